using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Deformable;
using ConvNative.Backends.Managed.Dense;
using ConvNative.Backends.Managed.Depthwise;
using ConvNative.Backends.Managed.Gradients;
using ConvNative.Backends.Managed.Integers;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>The engine in C#: always there, nothing to install, every variant and direction in f32, f64, bf16 and f16.</summary>
public sealed class ManagedBackend : ConvBackend
{
    internal const string EngineName = "managed";

    // Pixels that have no neighbours are computed in rows of so many: tiles come out equal, and there are rows left to share out.
    private const int LeastRow = 48;
    private const int MostRow = 112;

    private readonly Lazy<IReadOnlyList<DeviceInfo>> _devices = new(ReadDevices);

    /// <inheritdoc/>
    public override string Name => EngineName;

    /// <inheritdoc/>
    public override BackendStatus Status { get; } =
        new(true, $"C# on {RuntimeInformation.FrameworkDescription}, {InstructionSet.Name}", [], null);

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => _devices.Value;

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Candidate is { } candidate) return PlanResult.Unsupported(PlanOptions.NoSuch(candidate, Name));
        string? reason = Lacking(problem);
        if (reason is not null) return PlanResult.Unsupported(reason);

        // Where a fast plan would hold too much, one that holds next to nothing takes its time.
        OwnPlan? plan = TryMake(problem, options, general: false, ref reason);
        if (plan is null && options.Math == MathMode.Fast) plan = TryMake(problem, options with { Math = MathMode.Strict }, general: false, ref reason);
        plan ??= TryMake(problem, options, general: true, ref reason);
        if (plan is null) return PlanResult.Unsupported(reason!);
        if (plan.WorkspaceBytes <= options.MaxWorkspaceBytes) return PlanResult.Supported(plan);
        long need = plan.WorkspaceBytes;
        plan.Dispose();
        return PlanResult.Unsupported($"needs {need} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}");
    }

    /// <summary>A plan that keeps within its budget of memory; null, with the reason, where its numbers do not.</summary>
    private static OwnPlan? TryMake(ConvProblem problem, PlanOptions options, bool general, ref string? reason)
    {
        using var budget = new MemoryBudget(MemoryBudget.Of(problem));
        try
        {
            return Make(problem, options, general);
        }
        catch (Exception e) when (e is MemoryBudgetException or OverflowException or ConvProblemException or OutOfMemoryException)
        {
            budget.GiveBack();
            reason = e is MemoryBudgetException ? $"the managed engine {e.Message}" : $"the managed engine cannot count with these sizes: {e.Message}";
            return null;
        }
        catch
        {
            budget.GiveBack();
            throw;
        }
    }

    private static OwnPlan Make(ConvProblem problem, PlanOptions options, bool general) => problem switch
    {
        _ when problem.InputType.IsInteger() => Integers(problem, options with { Math = MathMode.Strict }, general),
        { InputType: DataType.F64 } => Create<double>(problem, options, general),
        _ when IsSingle(problem) => Create<float>(problem, options, general),
        _ => new WidePlan(problem, Create<float>(WidePlan.InSingle(problem), options, general)),
    };

    private static string? Lacking(ConvProblem p)
    {
        bool integers = p.InputType.IsInteger();
        if (integers && IntegerPlans.Lacking(p) is { } reason) return reason;
        if (!integers && (p.InputType == DataType.F64) != (p.OutputType == DataType.F64 && (!p.HasWeights || p.WeightType == DataType.F64)))
            return $"data types {p.InputType.Name()} in, {p.OutputType.Name()} out: the managed engine needs f64 everywhere or nowhere";
        if (!integers && (p.OutputType.IsInteger() || (p.HasWeights && p.WeightType.IsInteger())))
            return $"data types {p.InputType.Name()} in, {p.OutputType.Name()} out: the managed engine needs integers everywhere or nowhere";

        // Plain f32 comes as spans of numbers, everything else as spans of bytes.
        bool plain = p is { Direction: Direction.Forward, InputType: DataType.F32, OutputType: DataType.F32, Op: not ConvOp.Deformable, PostOps.Residual: false };
        bool weights = p is { WeightType: DataType.F32, Direction: not Direction.BackwardWeights };
        foreach ((Dims shape, DataType type, bool numbers) in ((Dims, DataType, bool)[])
            [(p.InputShape, p.InputType, plain), (p.OutputShape, p.OutputType, plain), (p.WeightShape, p.WeightType, weights), (p.OffsetShape, p.InputType, false), (p.MaskShape, p.InputType, false)])
        {
            foreach (long v in shape)
                if (v > int.MaxValue / 64) return $"a tensor axis of {v}: the managed engine indexes axes up to {int.MaxValue / 64}";
            if (shape.Count == 0) continue;
            if (Elements(shape) > int.MaxValue) return $"a tensor {shape} of more than {int.MaxValue} elements: no span of .NET is that long";
            if (!numbers && Elements(shape) * type.SizeOf() > int.MaxValue) return $"a tensor {shape} of {type.Name()}, more than {int.MaxValue} bytes: no span of .NET is that long";
        }

        return p.Kernel.Product > int.MaxValue / 64 ? $"a kernel of {p.Kernel.Product} taps" : null;
    }

    // Doubles cannot overflow, and tell what matters here.
    private static double Elements(Dims shape)
    {
        double count = 1;
        foreach (long v in shape) count *= v;
        return count;
    }

    private static bool IsSingle(ConvProblem p) => p is { InputType: DataType.F32, OutputType: DataType.F32 } && (!p.HasWeights || p.WeightType == DataType.F32);

    private static ManagedPlan Create<T>(ConvProblem p, PlanOptions options, bool general)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool forward = p.Direction == Direction.Forward;
        switch (p.Op)
        {
            case ConvOp.ChannelShuffle: return new ShufflePlan<T>(p, options, "managed:shuffle");
            case ConvOp.Im2col: return forward ? Unfold() : Fold();
            case ConvOp.Col2im: return forward ? Fold() : Unfold();
            case var _ when p.Direction == Direction.BackwardBias: return new BiasPlan<T>(p, options);
            case ConvOp.Deformable when typeof(T) == typeof(float) && !general: return Sampled(p, options);
            case ConvOp.Deformable: return new DeformPlan<T>(p, options, "managed:deform");
        }

        var view = new View(p);
        if (general || !Array.TrueForAll(view.Axes, a => a.IsNarrow)) return General<T>(view, options);
        if (ExtendedPlan<T>.Serves(p)) return new ExtendedPlan<T>(p, options, Create<T>(ExtendedPlan<T>.Inner(p), options, general));
        if (p.Direction == Direction.BackwardWeights)
        {
            if (PlaneGradientPlan<T>.Serves(view)) return new PlaneGradientPlan<T>(view, options);
            return GroupGradientPlan<T>.Serves(view) ? new GroupGradientPlan<T>(view, options) : new OuterGradientPlan<T>(view, options);
        }

        if (options.Math == MathMode.Fast && typeof(T) == typeof(float) && WinogradPlan.Serves(view)) return new WinogradPlan(view, options);
        if (MatrixPlan<T>.Serves(view)) return new MatrixPlan<T>(view, options);
        if (DotPlan<T>.Serves(view)) return new DotPlan<T>(view, options);
        if (LanesPlan<T>.Serves(view)) return new LanesPlan<T>(view, options);
        if (FlatPlan<T>.Serves(view)) return new FlatPlan<T>(view, options);
        if (FirPlan<T>.Serves(view)) return new FirPlan<T>(view, options);
        return PlanePlan<T>.Serves(view) ? new PlanePlan<T>(view, options) : new BlockedPlan<T>(view.Rearranged(LeastRow, MostRow), options, view.IsDown ? "direct" : "phases");

        ManagedPlan Unfold() => new UnfoldPlan<T>(new View(p), options, "managed:unfold");
        ManagedPlan Fold() => new FoldPlan<T>(new View(p), options, "managed:fold");
    }

    /// <summary>Whatever the geometry: no tables, no copies.</summary>
    private static ManagedPlan General<T>(View view, PlanOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ConvProblem p = view.Problem;
        if (p.Direction == Direction.BackwardWeights) return new GatherGradientPlan<T>(view, options);
        bool repeats = p.PaddingMode is not (PaddingMode.Zeros or PaddingMode.Constant);
        return repeats && !view.IsDown ? new ScatterPlan<T>(view, options) : new GatherPlan<T>(view, options, "managed:gather");
    }

    private static ManagedPlan Integers(ConvProblem p, PlanOptions options, bool general)
    {
        IntegerPlans.Elements elements = IntegerPlans.Choose(p);
        if (elements == IntegerPlans.Elements.Pairs && (general || !Array.TrueForAll(new View(p).Axes, a => a.IsNarrow))) elements = IntegerPlans.Elements.Double;
        ConvProblem inner = IntegerPlans.Inner(p, elements);
        return elements switch
        {
            IntegerPlans.Elements.Pairs => new IntegerPlan<int>(p, options, Pairs(new View(inner))),
            IntegerPlans.Elements.Single => new IntegerPlan<float>(p, options, Create<float>(inner, options, general)),
            _ => new IntegerPlan<double>(p, options, Create<double>(inner, options, general)),
        };

        ManagedPlan Pairs(View view) => new BlockedPlan<int>(view.Rearranged(LeastRow, MostRow), options, view.IsDown ? "direct" : "phases");
    }

    private static ManagedPlan Sampled(ConvProblem p, PlanOptions options) => p.Direction switch
    {
        Direction.Forward => new SampledForwardPlan(p, options),
        Direction.BackwardWeights => new SampledWeightsPlan(p, options),
        _ => new SampledBackwardPlan(p, options),
    };

    private static IReadOnlyList<DeviceInfo> ReadDevices() =>
    [
        new DeviceInfo("cpu", RuntimeInformation.ProcessArchitecture.ToString(), new Dictionary<string, string>
        {
            ["threads"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            ["vectors"] = InstructionSet.Name,
            ["instruction sets"] = InstructionSet.All,
            ["runtime"] = RuntimeInformation.FrameworkDescription,
        }),
    ];
}
