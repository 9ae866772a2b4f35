using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Oracle;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Times layers, engines taking turns: what else the machine does meets all of them alike.</summary>
public sealed class BenchRunner
{
    private readonly IReadOnlyList<ConvBackend> _backends;
    private readonly BenchSettings _settings;
    private readonly TimeLoop _loop = new();

    /// <summary>Prepares to time <paramref name="backends"/>.</summary>
    public BenchRunner(IReadOnlyList<ConvBackend> backends, BenchSettings settings) => (_backends, _settings) = (backends, settings);

    /// <summary>All engines on one layer.</summary>
    public IReadOnlyList<BenchRow> Run(string suite, ConvProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var contestants = new List<Contestant>();
        ConvProblem p = _settings.Layout is { } layout ? problem.With(s => s with { InputLayout = layout, OutputLayout = layout }) : problem;
        try
        {
            foreach (ConvBackend b in _backends) contestants.Add(new Contestant(b, p, _settings, RowOf(suite, p, b)));
            List<Contestant> live = [.. contestants.Where(c => c.Call is not null)];
            foreach (Contestant c in live) c.Attempt(() => TimeLoop.WarmUp(c.Call!, 150));
            for (int round = 0; round < _settings.Rounds; round++)
                foreach (Contestant c in live) c.Attempt(() => c.Rounds.Add(_loop.Run(c.Call!, _settings.BudgetMilliseconds / _settings.Rounds)));
            return CompareChecksums([.. contestants.Select(c => c.Finish(_settings))]);
        }
        finally
        {
            foreach (Contestant c in contestants) c.Dispose();
        }
    }

    // A fast wrong answer is not a benchmark; the matrix says what is wrong, here it is only pointed at.
    private static IReadOnlyList<BenchRow> CompareChecksums(List<BenchRow> rows)
    {
        double[] sums = [.. rows.Where(r => r.Status == "ok").Select(r => r.Checksum).Order()];
        if (sums.Length < 2) return rows;
        double middle = sums[sums.Length / 2], tolerance = 1e-3 * (1 + Math.Abs(middle));
        return [.. rows.Select(r => r.Status == "ok" && !(Math.Abs(r.Checksum - middle) <= tolerance) ? r with { Message = "checksum differs from the other engines'" } : r)];
    }

    private BenchRow RowOf(string suite, ConvProblem p, ConvBackend backend) => new()
    {
        Suite = suite,
        Name = p.Name,
        Count = LayerName.Count(p.Name),
        Problem = p.Key,
        Backend = backend.Name,
        Layout = Names.Of(p.InputLayout),
        Threads = _settings.Threads,
        Status = "ok",
        MultiplyAdds = p.MultiplyAdds,
    };

    /// <summary>One engine on the layer that is being timed.</summary>
    private sealed class Contestant : IDisposable
    {
        private readonly ConvPlan? _plan;
        private readonly PlanSession? _session;
        private BenchRow _row;

        public Contestant(ConvBackend backend, ConvProblem p, BenchSettings settings, BenchRow row)
        {
            _row = row;
            BackendStatus status = backend.Status;
            if (!status.Available)
            {
                _row = row with { Status = "unavailable", Message = status.Summary };
                return;
            }

            try
            {
                // Everything random comes from one seed a problem, so that all engines compute the same.
                var random = new Random(20_240_607);
                byte[] weights = RandomBytes(random, p.WeightCount, p.WeightType), bias = RandomBytes(random, p.HasBias ? p.OutputChannels : 0, p.BiasType);
                byte[] input = RandomBytes(random, p.InputShape.Product, p.InputType), like = RandomBytes(random, p.OutputShape.Product, p.OutputType);
                bool sampled = p.Op == ConvOp.Deformable && p.Direction != Direction.BackwardBias;
                byte[] offset = RandomBytes(random, sampled ? p.OffsetShape.Product : 0, p.InputType), mask = RandomBytes(random, sampled && p.HasMask ? p.MaskShape.Product : 0, p.InputType);
                long t0 = Stopwatch.GetTimestamp();
                PlanResult made = backend.CreatePlan(p, settings.Options);
                if (made.Plan is null)
                {
                    _row = row with { Status = "unsupported", Message = made.Reason };
                    return;
                }

                _plan = made.Plan;
                double create = Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
                _session = new PlanSession(_plan, skewed: false);
                t0 = Stopwatch.GetTimestamp();
                _session.SetWeights(weights, bias);
                create += Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
                _session.SetInput(input);
                _session.SetResidual(like);
                _session.SetOutputGradient(like);
                if (offset.Length > 0) _session.SetOffset(offset);
                if (mask.Length > 0) _session.SetMask(mask);
                t0 = Stopwatch.GetTimestamp();
                _session.Run();
                double first = Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
                _row = row with
                {
                    Implementation = _plan.Implementation,
                    Threads = _plan.Threads,
                    CreateMs = create,
                    FirstMs = first,
                    Checksum = p.ResultType == DataType.F32 ? PeerFills.Checksum(MemoryMarshal.Cast<byte, float>(_session.Result())) : 0,
                };
                Call = _session.Run;
            }
            catch (Exception e) when (e is ConvNativeException or ArgumentException or InvalidOperationException or NotSupportedException or OutOfMemoryException)
            {
                _row = row with { Status = "error", Message = e.Message };
            }
        }

        public Action? Call { get; private set; }

        public List<Timing> Rounds { get; } = [];

        public void Attempt(Action step)
        {
            if (Call is null) return;
            try
            {
                step();
            }
            catch (Exception e) when (e is ConvNativeException or InvalidOperationException)
            {
                _row = _row with { Status = "error", Message = e.Message };
                Call = null;
            }
        }

        public BenchRow Finish(BenchSettings settings)
        {
            if (Call is null || Rounds.Count == 0) return _row;
            double[] medians = [.. Rounds.Select(r => r.Median).Order()];
            double ms = medians[medians.Length / 2], gflops = 2e-6 * _row.MultiplyAdds / ms;
            return _row with
            {
                Ms = ms,
                MinMs = Rounds.Min(r => r.Min),
                Spread = (medians[^1] - medians[0]) / medians[0],
                Samples = Rounds.Sum(r => r.Samples),
                Gflops = gflops,
                PeakShare = gflops / settings.Peak(_row.Threads),
            };
        }

        public void Dispose()
        {
            _session?.Dispose();
            _plan?.Dispose();
        }

        private static byte[] RandomBytes(Random random, long count, DataType type)
        {
            var v = new double[count];
            bool integer = type.IsInteger();
            for (int i = 0; i < v.Length; i++) v[i] = integer ? random.Next(type == DataType.U8 ? 0 : -8, 9) : (random.NextDouble() * 2) - 1;
            return TensorBytes.ToBytes(v, type, [count], Problems.Layout.ChannelsFirst);
        }
    }
}

/// <summary>How a benchmark runs.</summary>
/// <param name="Threads">Most threads of a run.</param>
/// <param name="Layout">Layout of input and output; null keeps the problem's own.</param>
/// <param name="Rounds">Turns of each engine.</param>
/// <param name="BudgetMilliseconds">Timed milliseconds of each engine on a layer, over all rounds.</param>
/// <param name="Peak1Gflops">Measured FMA peak of one thread.</param>
/// <param name="PeakGflops">Measured FMA peak of that many threads.</param>
public sealed record BenchSettings(int Threads, Layout? Layout, int Rounds, double BudgetMilliseconds, double Peak1Gflops, double PeakGflops)
{
    /// <summary>What the engines are asked for: the fastest strict plan.</summary>
    public PlanOptions Options { get; } = new() { MaxThreads = Threads, Tuning = Tuning.Measure };

    /// <summary>The peak that a plan of so many threads is measured against.</summary>
    public double Peak(int threads) => threads <= 1 ? Peak1Gflops : PeakGflops;

    /// <summary>For messages.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Threads} threads, {Rounds} rounds, {BudgetMilliseconds} ms, layout {(Layout is { } l ? Names.Of(l) : "as given")}");
}
