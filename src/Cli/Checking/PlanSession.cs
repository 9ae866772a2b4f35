using System.Runtime.InteropServices;
using ConvNative.Cli.Execution;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>
/// A plan with guarded memory for its tensors. Tensors go in and come out in logical order; the session keeps them in the plan's
/// layouts. It does not own the plan.
/// </summary>
public sealed class PlanSession : IDisposable
{
    private readonly ConvPlan _plan;
    private readonly ConvProblem _p;
    private readonly List<TensorMemory> _all = [];
    private readonly TensorMemory? _input;
    private readonly TensorMemory? _residual;
    private readonly TensorMemory? _offset;
    private readonly TensorMemory? _mask;
    private readonly TensorMemory? _gradient;
    private readonly TensorMemory? _bias;
    private readonly TensorMemory _result;
    private readonly bool _simple;

    /// <summary>Allocates; <paramref name="skewed"/> moves every tensor off its alignment by one element.</summary>
    public PlanSession(ConvPlan plan, bool skewed)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (_plan, _p) = (plan, plan.Problem);
        TensorMemory Make(string name, long bytes, DataType type)
        {
            var b = new TensorMemory(name, bytes, skewed ? type.SizeOf() : 0);
            _all.Add(b);
            return b;
        }

        Direction d = _p.Direction;
        bool forward = d == Direction.Forward, sampled = _p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        if (forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask) _input = Make("input", plan.InputBytes, _p.InputType);
        if (forward && _p.PostOps.Residual) _residual = Make("residual", plan.OutputBytes, _p.OutputType);
        if (sampled) _offset = Make("offset", Bytes(_p.OffsetShape, _p.InputType), _p.InputType);
        if (sampled && _p.HasMask) _mask = Make("mask", Bytes(_p.MaskShape, _p.InputType), _p.InputType);
        if (!forward) _gradient = Make("output_grad", plan.OutputBytes, _p.OutputType);
        if (d == Direction.BackwardWeights && _p.HasBias) _bias = Make("bias result", plan.BiasBytes, _p.BiasType);
        _result = Make("result", plan.ResultBytes, _p.ResultType);
        _simple = forward && _p is { InputType: DataType.F32, OutputType: DataType.F32, Op: not ConvOp.Deformable, PostOps.Residual: false };
    }

    /// <summary>
    /// Hands weights and bias (logical order) to the plan. The memory that they came in is checked, overwritten and freed: the
    /// plan must have taken a copy.
    /// </summary>
    /// <returns>What was changed, or null.</returns>
    public string? SetWeights(ReadOnlySpan<byte> weights, ReadOnlySpan<byte> bias)
    {
        if (!_plan.NeedsWeights) return null;
        int skew = _p.WeightType.SizeOf();
        using var w = new TensorMemory("weights", _plan.WeightBytes, skew);
        using var b = new TensorMemory("bias", _plan.BiasBytes, skew);
        LayoutConversion.ToPhysical(weights, w.Span, _p.WeightShape, skew, _p.WeightLayout);
        bias.CopyTo(b.Span);
        w.Seal();
        b.Seal();
        _plan.SetWeights(w.Span, b.Span);
        string? damage = w.Damage() ?? b.Damage();
        w.Fill(0xFF);
        b.Fill(0xFF);
        return damage;
    }

    /// <summary>Sets the forward input, if the direction reads it.</summary>
    public void SetInput(ReadOnlySpan<byte> logical)
    {
        if (_input is null) return;
        if (_p.InputLayout == Layout.Any) _plan.PackInput(logical, _input.Span);
        else LayoutConversion.ToPhysical(logical, _input.Span, _p.InputShape, _p.InputType.SizeOf(), _p.InputLayout);
        _input.Seal();
    }

    /// <summary>Sets the residual, if there is one.</summary>
    public void SetResidual(ReadOnlySpan<byte> logical) => SetOutputLike(_residual, logical);

    /// <summary>Sets the gradient of the output, if the direction reads it.</summary>
    public void SetOutputGradient(ReadOnlySpan<byte> logical) => SetOutputLike(_gradient, logical);

    /// <summary>Sets the offsets of a deformable convolution.</summary>
    public void SetOffset(ReadOnlySpan<byte> logical) => SetPlain(_offset, logical);

    /// <summary>Sets the mask of a deformable convolution.</summary>
    public void SetMask(ReadOnlySpan<byte> logical) => SetPlain(_mask, logical);

    /// <summary>Overwrites what the next run has to write.</summary>
    public void Poison(byte value)
    {
        _result.Fill(value);
        _bias?.Fill(value);
    }

    /// <summary>Runs the plan once; the shortest path for a plain forward f32 problem. Allocates nothing.</summary>
    public void Run()
    {
        if (_simple)
        {
            _plan.Run(MemoryMarshal.Cast<byte, float>(_input!.Span), MemoryMarshal.Cast<byte, float>(_result.Span));
            return;
        }

        var a = new ConvArguments { Result = _result.Span };
        if (_input is not null) a.Input = _input.Span;
        if (_residual is not null) a.Residual = _residual.Span;
        if (_offset is not null) a.Offset = _offset.Span;
        if (_mask is not null) a.Mask = _mask.Span;
        if (_gradient is not null) a.OutputGradient = _gradient.Span;
        if (_bias is not null) a.BiasResult = _bias.Span;
        _plan.Execute(a);
    }

    /// <summary>The result in logical order.</summary>
    public byte[] Result()
    {
        Direction d = _p.Direction;
        var logical = new byte[Bytes(_p.ResultShape, _p.ResultType)];
        if (d == Direction.Forward && _p.OutputLayout == Layout.Any) _plan.UnpackOutput(_result.Span, logical);
        else if (d == Direction.BackwardData && _p.InputLayout == Layout.Any) _plan.UnpackInput(_result.Span, logical);
        else LayoutConversion.ToLogical(_result.Span, logical, _p.ResultShape, _p.ResultType.SizeOf(), ResultLayout(d));
        return logical;
    }

    /// <summary>The gradient of the bias that backward weights computes as well; empty otherwise.</summary>
    public byte[] BiasResult() => _bias is null ? [] : _bias.Span.ToArray();

    /// <summary>What was written outside the result, or null.</summary>
    public string? Damage()
    {
        foreach (TensorMemory b in _all)
            if (b.Damage() is { } damage) return damage;
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TensorMemory b in _all) b.Dispose();
    }

    private static long Bytes(Dims shape, DataType type) => checked(shape.Product * type.SizeOf());

    private static void SetPlain(TensorMemory? buffer, ReadOnlySpan<byte> logical)
    {
        if (buffer is null) return;
        logical.CopyTo(buffer.Span);
        buffer.Seal();
    }

    private Layout ResultLayout(Direction d) => d switch
    {
        Direction.Forward => _p.OutputLayout,
        Direction.BackwardData => _p.InputLayout,
        Direction.BackwardWeights => _p.WeightLayout,
        _ => Layout.ChannelsFirst,
    };

    private void SetOutputLike(TensorMemory? buffer, ReadOnlySpan<byte> logical)
    {
        if (buffer is null) return;
        if (_p.OutputLayout == Layout.Any) _plan.PackOutput(logical, buffer.Span);
        else LayoutConversion.ToPhysical(logical, buffer.Span, _p.OutputShape, _p.OutputType.SizeOf(), _p.OutputLayout);
        buffer.Seal();
    }
}
