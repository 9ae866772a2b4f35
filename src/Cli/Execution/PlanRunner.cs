using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>What a run gave: a result in logical order, or the reason why the engine does not support the problem.</summary>
/// <param name="Backend">The engine.</param>
/// <param name="Implementation">What the plan chose; empty when unsupported.</param>
/// <param name="Result">Bytes of the problem's result in logical order; null when unsupported.</param>
/// <param name="BiasResult">The bias gradient that came along with a weight gradient; null without one.</param>
/// <param name="Unsupported">The engine's reason, or null.</param>
public sealed record RunOutcome(string Backend, string Implementation, byte[]? Result, byte[]? BiasResult, string? Unsupported);

/// <summary>
/// Runs a plan on tensors in logical order: converts to the physical layouts that the problem states (the plan's own for
/// <see cref="Layout.Any"/>), poisons the result before the run, checks the guard bands around it after, and converts back.
/// Offsets and mask are always dense channels first.
/// </summary>
public sealed class PlanRunner : IDisposable
{
    private const int GuardBytes = 256;
    private const byte Guard = 0xA5;

    // All ones are a NaN in every floating-point type: an element that is never written shows.
    private const byte Poison = 0xFF;

    private PlanRunner(ConvPlan plan) => Plan = plan;

    /// <summary>The plan that runs.</summary>
    public ConvPlan Plan { get; }

    /// <summary>Makes a plan, runs it once, and drops it.</summary>
    /// <exception cref="ConvNativeException">The engine is unavailable or failed.</exception>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous or of the wrong length.</exception>
    public static RunOutcome Run(ConvBackend backend, ConvProblem problem, LogicalTensors tensors, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        PlanResult made = backend.CreatePlan(problem, options);
        return made.Plan is null ? new RunOutcome(backend.Name, "", null, null, made.Reason) : Run(made.Plan, tensors) with { Backend = backend.Name };
    }

    /// <summary>Runs a plan once, and drops it.</summary>
    /// <exception cref="ConvNativeException">The engine failed.</exception>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous or of the wrong length.</exception>
    public static RunOutcome Run(ConvPlan plan, LogicalTensors tensors)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var runner = new PlanRunner(plan);
        (byte[] result, byte[]? bias) = runner.Run(tensors);
        return new RunOutcome(plan.Backend, plan.Implementation, result, bias, null);
    }

    /// <summary>Sets the weights (where the direction reads them) and runs once.</summary>
    /// <returns>The result in logical order, and the bias gradient where the problem has one beside the weights'.</returns>
    /// <exception cref="ConvNativeException">The engine failed, or wrote outside its result.</exception>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous or of the wrong length.</exception>
    public (byte[] Result, byte[]? BiasResult) Run(LogicalTensors tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ConvProblem p = Plan.Problem;
        if (Plan.NeedsWeights)
            Plan.SetWeights(Physical("weights", tensors.Weights, p.WeightShape, p.WeightType, p.WeightLayout), p.HasBias ? tensors.Bias ?? [] : []);

        byte[] guarded = Guarded(Plan.ResultBytes);
        byte[]? guardedBias = p is { Direction: Direction.BackwardWeights, HasBias: true } ? Guarded(Plan.BiasBytes) : null;
        bool forward = p.Direction == Direction.Forward;
        bool needsInput = p.Direction is Direction.Forward or Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask;
        bool sampled = p.Op == ConvOp.Deformable && p.Direction != Direction.BackwardBias;
        var arguments = new ConvArguments
        {
            Input = needsInput ? Packed("input", tensors.Input, p.InputShape, p.InputType, p.InputLayout, Plan.InputBytes, input: true) : [],
            Residual = forward && p.PostOps.Residual ? Packed("residual", tensors.Residual, p.OutputShape, p.OutputType, p.OutputLayout, Plan.OutputBytes, input: false) : [],
            OutputGradient = forward ? [] : Packed("output_grad", tensors.OutputGrad, p.OutputShape, p.OutputType, p.OutputLayout, Plan.OutputBytes, input: false),
            Offset = sampled ? tensors.Offset : [],
            Mask = sampled && p.HasMask ? tensors.Mask : [],
            Result = Inside(guarded),
            BiasResult = guardedBias is null ? [] : Inside(guardedBias),
        };
        Plan.Execute(arguments);
        CheckGuards(guarded);
        if (guardedBias is not null) CheckGuards(guardedBias);
        return (Logical(Inside(guarded)), guardedBias is null ? null : Inside(guardedBias).ToArray());
    }

    /// <inheritdoc/>
    public void Dispose() => Plan.Dispose();

    private static byte[] Physical(string field, byte[]? logical, Dims shape, DataType type, Layout layout)
    {
        long bytes = checked(shape.Product * type.SizeOf());
        if (logical is null || logical.Length != bytes) throw new ArgumentException($"{field} = {logical?.Length ?? 0} bytes: must be the {bytes} bytes of {shape} in {type.Name()}");
        if (layout != Layout.ChannelsLast) return logical;
        var physical = new byte[bytes];
        LayoutConversion.ToPhysical(logical, physical, shape, type.SizeOf(), layout);
        return physical;
    }

    private byte[] Packed(string field, byte[]? logical, Dims shape, DataType type, Layout layout, long packedBytes, bool input)
    {
        byte[] physical = Physical(field, logical, shape, type, layout);
        if (layout != Layout.Any) return physical;
        var packed = new byte[packedBytes];
        if (input) Plan.PackInput(physical, packed);
        else Plan.PackOutput(physical, packed);
        return packed;
    }

    private byte[] Logical(ReadOnlySpan<byte> result)
    {
        ConvProblem p = Plan.Problem;
        var logical = new byte[checked(p.ResultShape.Product * p.ResultType.SizeOf())];
        Layout layout = p.Direction switch
        {
            Direction.Forward => p.OutputLayout,
            Direction.BackwardData => p.InputLayout,
            Direction.BackwardWeights => p.WeightLayout,
            _ => Layout.ChannelsFirst,
        };
        if (layout == Layout.Any && p.Direction == Direction.Forward) Plan.UnpackOutput(result, logical);
        else if (layout == Layout.Any && p.Direction == Direction.BackwardData) Plan.UnpackInput(result, logical);
        else LayoutConversion.ToLogical(result, logical, p.ResultShape, p.ResultType.SizeOf(), layout);
        return logical;
    }

    private static byte[] Guarded(long bytes)
    {
        var all = new byte[checked(bytes + (2 * GuardBytes))];
        all.AsSpan().Fill(Guard);
        Inside(all).Fill(Poison);
        return all;
    }

    private static Span<byte> Inside(byte[] guarded) => guarded.AsSpan(GuardBytes, guarded.Length - (2 * GuardBytes));

    private void CheckGuards(byte[] guarded)
    {
        if (guarded.AsSpan(0, GuardBytes).ContainsAnyExcept(Guard) || guarded.AsSpan(guarded.Length - GuardBytes).ContainsAnyExcept(Guard))
            throw new ConvNativeException(Plan.Backend, $"{Plan.Implementation} wrote outside its result", problem: Plan.Problem);
    }
}
