using System.Diagnostics;
using ConvNative.Backends;
using ConvNative.Oracle.Operands;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>One engine on the problem that is being checked: its plan, its memory, and the cell so far.</summary>
internal sealed class Contestant : IDisposable
{
    // All ones are a NaN in every floating-point type; the other value differs in every byte, so an element that is never written
    // shows as a difference between the runs even where a NaN is right, and in integers.
    private const byte FirstPoison = 0xFF;
    private const byte SecondPoison = 0x7B;

    private readonly ConvProblem _problem;
    private readonly List<FillResult> _fills = [];
    private ConvPlan? _plan;
    private PlanSession? _session;
    private long _ticks;

    /// <summary>Asks for a plan; whatever comes of it is in <see cref="Cell"/>.</summary>
    public Contestant(ConvBackend backend, CellResult cell, ConvProblem problem, PlanOptions options)
    {
        _problem = problem;
        Cell = cell;
        Timed(() =>
        {
            BackendStatus status = backend.Status;
            Cell = Cell with { BackendVersion = status.Summary };
            if (!status.Available)
            {
                Cell = Cell with { Status = CellStatus.Unavailable, Message = EngineHelp.Line(backend) };
                return;
            }

            PlanResult made = backend.CreatePlan(problem, options);
            if (made.Plan is null)
            {
                Cell = Cell with { Status = CellStatus.Unsupported, Message = made.Reason };
                return;
            }

            _plan = made.Plan;
            _session = new PlanSession(_plan, skewed: true);
            Cell = Cell with { Implementation = _plan.Implementation };
            IsLive = true;
        });
    }

    /// <summary>True until the cell is decided.</summary>
    public bool IsLive { get; private set; }

    /// <summary>The cell; final when no longer live.</summary>
    public CellResult Cell { get; private set; }

    /// <summary>Runs one fill, twice; the first wrong fill decides.</summary>
    public void Run(Reference reference)
    {
        // Winograd and FFT spread what is not finite over a tile.
        if (!IsLive || (reference.Fill == FillKind.NotFinite && _plan!.Algorithm != AlgorithmClass.Direct)) return;
        Timed(() =>
        {
            FillResult r;
            try
            {
                r = RunFill(reference);
            }
            catch (UnsupportedOperandsException e) when (reference.Fill == FillKind.NotFinite)
            {
                r = new FillResult(Names.Of(reference.Fill), CellStatus.Unsupported, 0, 0, _problem.ResultShape.Product, e.Message);
            }

            _fills.Add(r);
            if (r.Status == CellStatus.Fail) Decide(CellStatus.Fail, $"{r.Fill}: {r.Message}");
        });
    }

    /// <summary>All fills are through.</summary>
    public void Finish(string? sampled)
    {
        Cell = Cell with { Sampled = _fills.Count > 0 ? sampled : null };
        if (!IsLive) return;
        FillResult? doubtful = _fills.Find(f => f.Status == CellStatus.Mistrusted);
        if (doubtful is not null) Decide(CellStatus.Mistrusted, $"{doubtful.Fill}: {doubtful.Message}");
        else Decide(CellStatus.Pass, null);
    }

    /// <summary>Decides what is still open as mistrusted.</summary>
    public void Mistrust(string reason)
    {
        if (IsLive) Decide(CellStatus.Mistrusted, reason);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session?.Dispose();
        _session = null;
        _plan?.Dispose();
        _plan = null;
    }

    private FillResult RunFill(Reference reference)
    {
        PlanSession s = _session!;
        Execution.LogicalTensors t = reference.Tensors;
        string? damage = s.SetWeights(t.Weights ?? [], t.Bias ?? []);
        s.SetInput(t.Input ?? []);
        s.SetResidual(t.Residual ?? []);
        s.SetOutputGradient(t.OutputGrad ?? []);
        s.SetOffset(t.Offset ?? []);
        s.SetMask(t.Mask ?? []);

        s.Poison(FirstPoison);
        s.Run();
        byte[] result = s.Result(), bias = s.BiasResult();
        damage ??= s.Damage();
        s.Poison(SecondPoison);
        s.Run();
        damage ??= s.Damage();
        byte[] again = s.Result(), biasAgain = s.BiasResult();
        bool exact = _plan!.IsDeterministic;
        string? change = Difference(result, again, _problem.ResultType, "result", exact) ?? Difference(bias, biasAgain, _problem.BiasType, "bias result", exact);

        FillResult verdict = reference.Judge(result, bias, _plan);

        // Other bits are allowed then, but no worse ones.
        if (!exact && verdict.Status == CellStatus.Pass) verdict = reference.Judge(again, biasAgain, _plan);
        string? wrong = damage ?? change;
        return wrong is null ? verdict : verdict with { Status = CellStatus.Fail, Message = verdict.Status == CellStatus.Fail ? $"{wrong}; {verdict.Message}" : wrong };
    }

    private static string? Difference(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, DataType type, string what, bool exact)
    {
        int size = type.SizeOf(), at = first.CommonPrefixLength(second);
        while (at < first.Length)
        {
            int element = at / size;
            bool unwritten = !first.Slice(element * size, size).ContainsAnyExcept(FirstPoison) && !second.Slice(element * size, size).ContainsAnyExcept(SecondPoison);
            if (unwritten) return $"{what}: element {element} (logical order) is never written";
            if (exact) return $"{what}: two runs on the same data differ, first in element {element} (logical order)";
            at = (element + 1) * size;
            at += first[at..].CommonPrefixLength(second[at..]);
        }

        return null;
    }

    private void Decide(CellStatus status, string? message)
    {
        IsLive = false;
        Cell = Cell with
        {
            Status = status,
            Message = message,
            Fills = [.. _fills],
            WorstError = _fills.Count > 0 ? _fills.Max(f => f.WorstError) : null,
            Seconds = (double)_ticks / Stopwatch.Frequency,
        };
    }

    private void Timed(Action step)
    {
        long begin = Stopwatch.GetTimestamp();
        try
        {
            step();
        }
#pragma warning disable CA1031 // An engine may throw anything; a matrix reports it and goes on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Decide(CellStatus.Error, e is ConvNativeException ? e.Message : $"{e.GetType().Name}: {e.Message}");
        }
        finally
        {
            _ticks += Stopwatch.GetTimestamp() - begin;
            Cell = Cell with { Seconds = (double)_ticks / Stopwatch.Frequency };
        }
    }
}
