using System.Diagnostics;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>Chooses among candidates: by what was measured before, by measuring now, or by the static order.</summary>
internal static unsafe class OneDnnTuner
{
    private const double BudgetMs = 12;

    /// <summary>The chosen kernel with the reason for it, or null where oneDNN implements none of the candidates.</summary>
    public static (OneDnnKernel Kernel, string Why)? Choose(ConvProblem p, int threads, PlanOptions options)
    {
        List<OneDnnCandidate> candidates = OneDnnCandidate.For(p, threads);
        string key = $"{p.Key} threads={threads}";
        if (TuningStore.OneDnn.TryGet(key, out string? known))
        {
            foreach (OneDnnCandidate c in candidates)
                if (c.ToString() == known && OneDnnKernel.TryCreate(p, c) is { } kernel)
                {
                    if (kernel.WorkspaceBytes <= options.MaxWorkspaceBytes) return (kernel, "fastest when measured on this machine");
                    kernel.Dispose();
                }
        }

        return options.Tuning == Tuning.Measure ? Measure(p, candidates, key, options) : First(p, candidates, options);
    }

    // Reference loops; and for bf16 the matrix product, measured at 0.3 GFLOP/s (650 ms) where others reach 500.
    private static bool IsSlow(ConvProblem p, OneDnnKernel k) =>
        k.Implementation.Contains("ref", StringComparison.Ordinal)
        || (p.WeightType == DataType.BF16 && k.Implementation.Contains(":gemm", StringComparison.Ordinal));

    private static (OneDnnKernel, string)? First(ConvProblem p, List<OneDnnCandidate> candidates, PlanOptions options)
    {
        OneDnnKernel? reference = null;
        foreach (OneDnnCandidate c in candidates)
        {
            if (OneDnnKernel.TryCreate(p, c) is not { } kernel) continue;
            bool slow = IsSlow(p, kernel);
            if (!slow && kernel.WorkspaceBytes <= options.MaxWorkspaceBytes)
            {
                reference?.Dispose();
                return (kernel, "first of the static ranking");
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
            List<OneDnnKernel> slow = kernels.FindAll(k => IsSlow(p, k));
            if (slow.Count < kernels.Count)
                foreach (OneDnnKernel k in slow)
                {
                    kernels.Remove(k);
                    k.Dispose();
                }

            // One after the other with what other threads run; on the threads that will run them.
            var trial = new Trial(p, kernels);
            TeamGate.Run(trial);
            double[] times = trial.Times;
            int best = Array.IndexOf(times, times.Min());
            OneDnnKernel winner = kernels[best];
            kernels.RemoveAt(best);
            
            // A choice among what a workspace limit left is no choice for others.
            if (options.MaxWorkspaceBytes == long.MaxValue) TuningStore.OneDnn.Put(key, winner.Candidate.ToString());
            return (winner, $"fastest of {times.Length} measured, {times[best]:0.0000} ms");
        }
        finally
        {
            foreach (OneDnnKernel k in kernels) k.Dispose();
        }
    }

    // Rounds of a few calls each, candidates taking turns, so that a disturbance does not fall on one of them; the least time counts.
    private static double[] Time(ConvProblem p, List<OneDnnKernel> kernels)
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
            for (int round = 0; round < 5; round++)
                for (int i = 0; i < kernels.Count; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    for (int calls = 0; ; calls++)
                    {
                        long t = Stopwatch.GetTimestamp();
                        Run(p, kernels[i], x, y, r, w, b);
                        double ms = Stopwatch.GetElapsedTime(t).TotalMilliseconds;
                        if (round > 0 || calls > 0) best[i] = Math.Min(best[i], ms);

                        // Hopeless candidates get no second round's worth of calls.
                        if ((calls > 0 && Stopwatch.GetElapsedTime(start).TotalMilliseconds > BudgetMs / 5) || (round > 0 && best[i] > 2 * best.Min())) break;
                    }
                }

            return best;
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

        public void Invoke() => Times = Time(p, kernels);
    }

    private static void* Random(long bytes, DataType type)
    {
        void* p = NativeMemory.AlignedAlloc((nuint)Math.Max(64, bytes), 4096);
        for (long done = 0; done < bytes; done += 1 << 30) RandomData.Fill(new Span<byte>((byte*)p + done, (int)Math.Min(1 << 30, bytes - done)), type);
        return p;
    }
}
