using System.Diagnostics;
using System.Runtime.InteropServices;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Choice;

/// <summary>Chooses among candidates: by what was measured before, by measuring now, or by the static order.</summary>
internal static unsafe class OneDnnTuner
{
    private const double BudgetMs = 12;

    /// <summary>The chosen kernel with the reason for it, or null where oneDNN implements none of the candidates.</summary>
    public static (OneDnnKernel Kernel, string Why)? Choose(ConvProblem p, int threads, PlanOptions options)
    {
        List<OneDnnCandidate> candidates = Ranked(p, threads, options);
        if (options.Candidate is { } wanted)
        {
            candidates = candidates.FindAll(c => c.NameFor(threads) == wanted);
            return First(p, candidates, options, "the candidate that was asked for");
        }

        string key = $"{p.Key} threads={threads}";
        Tuned? measured = options.Deterministic ? null : TuningStore.OneDnn.Find(key);
        if (measured is not null && (options.Tuning != Tuning.Measure || TuningStore.OneDnn.IsGood(key, measured)))
        {
            foreach (OneDnnCandidate c in candidates)
                if (c.ToString() == measured.Choice && OneDnnKernel.TryCreate(p, c) is { } kernel)
                {
                    if (kernel.WorkspaceBytes <= options.MaxWorkspaceBytes) return (kernel, "fastest when measured on this machine");
                    kernel.Dispose();
                }
        }

        return options.Tuning == Tuning.Measure ? Measure(p, candidates, key, options) : First(p, candidates, options, "first of the ranking");
    }

    /// <summary>The candidates, the best of the problem's class first; what nothing is known of keeps its order behind.</summary>
    public static List<OneDnnCandidate> Ranked(ConvProblem p, int threads, PlanOptions options)
    {
        IReadOnlyList<RankedChoice> known = ChoiceTable.Shipped.Of(p, options).Choices;
        return [.. OneDnnCandidate.For(p, threads).OrderBy(c =>
        {
            var choice = new EngineChoice(OneDnnBackend.BackendName, c.NameFor(threads));
            for (int i = 0; i < known.Count; i++)
                if (known[i].Choice == choice) return i;
            return known.Count;
        })];
    }

    // Reference loops, and the convolution by one large matrix product: with the products that C++ compiles it is such a loop, too.
    private static bool IsSlow(OneDnnKernel k) => k.Implementation.Contains("ref", StringComparison.Ordinal) || k.Implementation.Contains("gemm:", StringComparison.Ordinal);

    private static (OneDnnKernel, string)? First(ConvProblem p, List<OneDnnCandidate> candidates, PlanOptions options, string why)
    {
        OneDnnKernel? reference = null;
        foreach (OneDnnCandidate c in candidates)
        {
            if (OneDnnKernel.TryCreate(p, c) is not { } kernel) continue;
            bool slow = IsSlow(kernel);
            if (!slow && kernel.WorkspaceBytes <= options.MaxWorkspaceBytes)
            {
                reference?.Dispose();
                return (kernel, why);
            }

            if (reference is null && kernel.WorkspaceBytes <= options.MaxWorkspaceBytes) reference = kernel;
            else kernel.Dispose();
        }

        return reference is null ? null : (reference, "nothing but a slow implementation remains");
    }

    private static (OneDnnKernel, string)? Measure(ConvProblem p, List<OneDnnCandidate> candidates, string key, PlanOptions options)
    {
        var kernels = new List<OneDnnKernel>();
        var seen = new HashSet<string>();
        try
        {
            foreach (OneDnnCandidate c in candidates)
            {
                if (OneDnnKernel.TryCreate(p, c) is not { } kernel) continue;
                if (kernel.WorkspaceBytes <= options.MaxWorkspaceBytes && seen.Add(kernel.Signature)) kernels.Add(kernel);
                else kernel.Dispose();
            }

            if (kernels.Count == 0) return null;

            // One call of a reference implementation may take seconds, and none was ever the fastest.
            List<OneDnnKernel> slow = kernels.FindAll(IsSlow);
            if (slow.Count < kernels.Count)
                foreach (OneDnnKernel k in slow)
                {
                    kernels.Remove(k);
                    k.Dispose();
                }

            // One after the other with what other threads run; on the threads that will run them.
            var trial = new Trial(p, kernels);
            TeamGate.Run(trial);
            (double[] times, double[] slowest) = (trial.Times, trial.Slowest);
            int best = Array.IndexOf(times, times.Min());
            double second = times.Where((_, i) => i != best).DefaultIfEmpty(double.PositiveInfinity).Min();
            OneDnnKernel winner = kernels[best];
            kernels.RemoveAt(best);
            
            // A choice among what a workspace limit left is no choice for others.
            if (options.MaxWorkspaceBytes == long.MaxValue) TuningStore.OneDnn.Put(key, new Tuned(winner.Candidate.ToString(), second / times[best], (slowest[best] - times[best]) / times[best]));
            return (winner, $"fastest of {times.Length} measured, {times[best]:0.0000} ms");
        }
        finally
        {
            foreach (OneDnnKernel k in kernels) k.Dispose();
        }
    }

    // Rounds of a few calls each, candidates taking turns, so that a disturbance does not fall on one of them; the least time counts.
    private static (double[] Least, double[] SlowestTurn) Time(ConvProblem p, List<OneDnnKernel> kernels)
    {
        long input = kernels.Max(k => k.InputBytes), output = kernels.Max(k => k.OutputBytes), weights = p.WeightCount * p.WeightType.SizeOf();
        long bias = Math.Max(64, p.OutputChannels * 8);
        void* x = Random(input, p.InputType), y = Random(output, p.OutputType), r = Random(output, p.OutputType), w = Random(weights, p.WeightType), b = Random(bias, p.BiasType);
        try
        {
            foreach (OneDnnKernel k in kernels)
                if (p.Direction != Direction.BackwardWeights) k.SetWeights(w, p.HasBias ? b : null);
            var best = new double[kernels.Count];
            Array.Fill(best, double.MaxValue);
            var slowest = new double[kernels.Count];
            for (int round = 0; round < 5; round++)
                for (int i = 0; i < kernels.Count; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    double turn = double.MaxValue;
                    for (int calls = 0; ; calls++)
                    {
                        long t = Stopwatch.GetTimestamp();
                        Run(p, kernels[i], x, y, r, w, b);
                        double ms = Stopwatch.GetElapsedTime(t).TotalMilliseconds;
                        if (round > 0 || calls > 0) turn = Math.Min(turn, ms);

                        // Hopeless candidates get no second round's worth of calls.
                        if ((calls > 0 && Stopwatch.GetElapsedTime(start).TotalMilliseconds > BudgetMs / 5) || (round > 0 && best[i] > 2 * best.Min())) break;
                    }

                    if (turn == double.MaxValue) continue;
                    (best[i], slowest[i]) = (Math.Min(best[i], turn), Math.Max(slowest[i], turn));
                }

            return (best, slowest);
        }
        finally
        {
            foreach (nint q in new[] { (nint)x, (nint)y, (nint)r, (nint)w, (nint)b }) NativeMemory.AlignedFree((void*)q);
        }
    }

    private static void Run(ConvProblem p, OneDnnKernel k, void* x, void* y, void* r, void* w, void* b)
    {
        switch (p.Direction)
        {
            case Direction.Forward: k.Forward(x, p.PostOps.Residual ? r : null, y); break;
            case Direction.BackwardData: k.BackwardData(y, x); break;
            default: k.BackwardWeights(x, y, w, b); break;
        }
    }

    private sealed class Trial(ConvProblem p, List<OneDnnKernel> kernels) : IHosted
    {
        public double[] Times { get; private set; } = [];

        public double[] Slowest { get; private set; } = [];

        public void Invoke() => (Times, Slowest) = Time(p, kernels);
    }

    private static void* Random(long bytes, DataType type)
    {
        void* p = NativeMemory.AlignedAlloc((nuint)Math.Max(64, bytes), 4096);
        for (long done = 0; done < bytes; done += 1 << 30) RandomData.Fill(new Span<byte>((byte*)p + done, (int)Math.Min(1 << 30, bytes - done)), type);
        return p;
    }
}
