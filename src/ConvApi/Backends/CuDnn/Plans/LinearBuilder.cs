using ConvNative.Backends.CuDnn.Device;
using ConvNative.Backends.CuDnn.Graph;
using ConvNative.Bindings;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// Correlation, true convolution and transposed convolution in floating point, all directions: finds an engine, then puts the copies that it
/// needs before it and what it lacks behind it.
/// </summary>
internal sealed class LinearBuilder
{
    private readonly CudaProgram _pr;
    private readonly ConvProblem _p;
    private readonly LinearTensors _t;
    private readonly Core _core;
    private readonly Attempt _a;
    private readonly bool _transposed;
    private readonly bool _hasEpilogue;
    private readonly bool _extends;
    private readonly long[] _begin;
    private readonly long[] _end;
    private readonly long[] _pre;
    private readonly long[] _post;

    // As the caller has them, and as cuDNN gets them.
    private readonly CudaTensor _x;
    private readonly CudaTensor _y;
    private readonly CudaTensor _w;
    private readonly CudaTensor _coreX;
    private readonly CudaTensor _coreY;
    private readonly CudaTensor _coreW;

    private LinearBuilder(CudaProgram program, ConvProblem problem, LinearTensors tensors, Attempt attempt)
    {
        (_pr, _p, _t, _a) = (program, problem, tensors, attempt);
        _core = Core.Of(_p);
        _transposed = _p.Op == ConvOp.Transposed;
        _hasEpilogue = _p.Direction == Direction.Forward && (_p.HasBias || !_p.PostOps.IsNone);
        int rank = _p.Rank;
        (_begin, _end, _pre, _post) = (new long[rank], new long[rank], _core.Pre.ToArray(), _core.Post.ToArray());

        // cuDNN 9.24 ignores the end pad of a one-dimensional filter gradient (JuliaGPU/CUDA.jl).
        bool explicitPads = _p.PaddingMode != PaddingMode.Zeros || _a.PadCopy || (rank == 1 && _core.Kind == GraphKind.BackwardFilter && _core.Post[0] > 0);
        for (int i = 0; i < rank; i++)
        {
            if (explicitPads) (_begin[i], _end[i], _pre[i], _post[i]) = (_pre[i], _post[i], 0, 0);
            else if (_post[i] <= -_p.Strides[i]) (_end[i], _post[i]) = (_post[i], 0);
            else _post[i] = Math.Max(0, _post[i]);
            _extends |= _begin[i] != 0 || _end[i] != 0;
        }

        (Layout xl, Layout yl) = _transposed ? (_p.OutputLayout, _p.InputLayout) : (_p.InputLayout, _p.OutputLayout);
        (DataType xt, DataType yt) = _transposed ? (_p.OutputType, _p.InputType) : (_p.InputType, _p.OutputType);
        (_x, _y, _w) = (new CudaTensor(_core.Image, xl, xt), new CudaTensor(_core.Output, yl, yt), new CudaTensor(_p.WeightShape, _p.WeightLayout, _p.WeightType));
        var extended = _core.Image.ToArray();
        for (int i = 0; i < rank; i++) extended[i + 2] += _begin[i] + _end[i];
        _coreX = ForCore(_x with { Shape = Dims.Create(extended) }, _core.Kind == GraphKind.BackwardData);
        _coreY = ForCore(_y, _core.Kind == GraphKind.Forward);
        _coreW = ForCore(_w, _core.Kind == GraphKind.BackwardFilter);
    }

    /// <summary>Sums are formed in f32, or f64.</summary>
    private DataType SumType => _x.Type == DataType.F64 || _y.Type == DataType.F64 ? DataType.F64 : DataType.F32;

    private bool IsSeparate => _hasEpilogue && !_a.Fused;

    /// <summary>Adds the problem's steps to the program, or says what every way came to.</summary>
    /// <param name="program">Gets the steps.</param>
    /// <param name="problem">The program's own problem, or one inside it that has no epilogue.</param>
    /// <param name="tensors">Where its tensors are.</param>
    public static string? Build(CudaProgram program, ConvProblem problem, LinearTensors tensors)
    {
        Core core = Core.Of(problem);
        PostOps ops = problem.PostOps;
        bool asymmetric = problem.PaddingMode == PaddingMode.Zeros && !core.Pre.Equals(Dims.Create([.. core.Post.Select(v => Math.Max(0, v))]));
        bool canFuse = problem.Direction == Direction.Forward && (problem.HasBias || !ops.IsNone) && ops.OutputScale is null
            && (ops.Activation.Kind == ActivationKind.None || GraphBuilder.Mode(ops.Activation) is not null);
        var refused = new List<string>();
        NativeCallException? broken = null;
        foreach (Attempt attempt in Attempt.For(problem, canFuse, asymmetric))
        {
            var builder = new LinearBuilder(program, problem, tensors, attempt);

            // What is folded back afterwards cannot be finished before.
            if (attempt.Fused && builder._extends && core.Kind == GraphKind.BackwardData) continue;
            if (builder.TryBuild(ref broken) is not { } reason) return null;
            refused.Add($"[{attempt}] {reason}");
        }

        if (broken is not null) throw broken;
        return string.Join(" ", refused);
    }

    private CudaTensor ForCore(CudaTensor t, bool isResult)
    {
        DataType type = _a.Wide ?? t.Type;

        // What is summed further, or finished by another kernel, is not rounded before.
        if (isResult && (IsSeparate || (_extends && _core.Kind == GraphKind.BackwardData))) type = _a.Wide ?? SumType;
        return new CudaTensor(t.Shape, _a.ChannelsLast ? Layout.ChannelsLast : t.Layout, type);
    }

    private string? TryBuild(ref NativeCallException? broken)
    {
        bool fused = _a.Fused && _hasEpilogue;
        PostOps ops = _p.PostOps;
        bool flat = _p.Rank == 1;
        Dims Axes(ReadOnlySpan<long> v, long first) => flat ? [first, v[0]] : Dims.Create(v);
        var spec = new GraphSpec
        {
            Kind = _core.Kind,
            Image = GraphTensor.Of(GraphSpec.X, _coreX),
            Filter = GraphTensor.Of(GraphSpec.W, _coreW),
            Output = GraphTensor.Of(GraphSpec.Y, _coreY),
            Pre = Axes(_pre, 0),
            Post = Axes(_post, 0),
            Strides = Axes(_p.Strides.Span, 1),
            Dilations = Axes(_p.Dilations.Span, 1),
            Compute = GraphTensor.TypeOf(SumType),
            HasBias = fused && _p.HasBias,
            HasResidual = fused && ops.Residual,
            ResidualScale = ops.ResidualScale,
            Activation = fused ? ops.Activation : Activation.None,
        };
        DataType operands = _core.Kind == GraphKind.BackwardData ? _coreY.Type : _coreX.Type;
        (CompiledGraph? graph, string reason) = _pr.Find(spec, operands, ref broken);
        if (graph is null) return reason;
        Compose(graph, spec);
        return null;
    }

    private void Compose(CompiledGraph graph, GraphSpec spec)
    {
        if (_a.Purpose.Length > 0) _pr.Note($"no engine without copies: {_a.Purpose}");
        Operand x = _transposed ? _t.Gradient : _t.Input, y = _transposed ? _t.Input : _t.Gradient;
        switch (_core.Kind)
        {
            case GraphKind.Forward:
                x = Source(x);
                Result(graph, spec, x, Filter(), null);
                break;
            case GraphKind.BackwardData:
                y = _pr.As(y, _y, _coreY, _a.Purpose);
                Result(graph, spec, null, Filter(), y);
                break;
            default:
                if (_p.HasBias) _pr.BiasGradient(_pr.BiasResult);
                x = Source(x);
                y = _pr.As(y, _y, _coreY, _a.Purpose);
                WeightGradient(graph, spec, x, y);
                break;
        }
    }

    /// <summary>The image as cuDNN gets it: extended, in its layout and type.</summary>
    private Operand Source(Operand x)
    {
        if (!_extends) return _pr.As(x, _x, _coreX, _a.Purpose);
        CudaTensor padded = _coreX with { Type = _x.Type };
        Operand to = _pr.Scratch("padded input", padded.Bytes);
        DataType type = _x.Type;
        _pr.Pad(x, _x, to, padded, Dims.Create(_begin), Dims.Create(_end), _p.PaddingMode, CudaCopies.Bits(_p.PaddingMode == PaddingMode.Constant ? _p.PadValue : 0, type));
        _pr.Name("pad");
        _pr.Note($"{Names.Of(_p.PaddingMode)} padding by a copy of {padded.Bytes} bytes");
        return _pr.As(to, padded, _coreX, _a.Purpose);
    }

    private Operand Filter()
    {
        Operand w = _t.Weights;
        if (_p.Op == ConvOp.Convolution) w = _pr.Flip(w, _w, null, toWeights: true);
        return _pr.As(w, _w, _coreW, _a.Purpose, toWeights: true);
    }

    private void Result(CompiledGraph graph, GraphSpec spec, Operand? x, Operand w, Operand? y)
    {
        bool data = _core.Kind == GraphKind.BackwardData;
        CudaTensor computed = data ? _coreX : _coreY, final = data ? _x : _y;
        bool folds = data && _extends;
        bool direct = !folds && CudaCopies.SameBytes(computed, final);
        Operand to = direct ? _t.Result : _pr.Scratch("sums", computed.Bytes);
        var tensors = new List<(long, Operand)>
        {
            (GraphSpec.W, w),
            data ? (GraphSpec.Y, y!) : (GraphSpec.X, x!),
            (spec.IsFused ? GraphSpec.Result : data ? GraphSpec.X : GraphSpec.Y, to),
        };
        if (spec.HasBias) tensors.Add((GraphSpec.Bias, _pr.Bias));
        if (spec.HasResidual) tensors.Add((GraphSpec.Residual, _pr.As(_pr.Residual, final, computed, _a.Purpose)));
        _pr.Add(graph, spec, tensors);

        CudaTensor now = computed;
        if (folds)
        {
            CudaTensor folded = final with { Type = IsSeparate ? SumType : final.Type };
            Operand next = IsSeparate && folded.Type != final.Type ? _pr.Scratch("folded sums", folded.Bytes) : _t.Result;
            _pr.Fold(to, now, next, folded, Dims.Create(_begin), Dims.Create(_end), _p.PaddingMode);
            _pr.Name("fold");
            (to, now) = (next, folded);
        }

        if (IsSeparate)
        {
            CudaTensor ordered = now with { Layout = final.Layout };
            to = CudaCopies.SameBytes(now, ordered) ? to : _pr.As(to, now, ordered, "in the output's layout");
            _pr.Epilogue(to, ordered.Type, _t.Result, final);
        }
        else if (!direct && !folds)
        {
            _pr.Convert(to, now, _t.Result, final);
        }
    }

    private void WeightGradient(CompiledGraph graph, GraphSpec spec, Operand x, Operand y)
    {
        bool flips = _p.Op == ConvOp.Convolution, same = CudaCopies.SameBytes(_coreW, _w);
        Operand to = flips || !same ? _pr.Scratch("weight gradient", _coreW.Bytes) : _t.Result;
        _pr.Add(graph, spec, [(GraphSpec.X, x), (GraphSpec.Y, y), (GraphSpec.W, to)]);
        if (flips) to = _pr.Flip(to, _coreW, same ? _t.Result : null, toWeights: false);
        if (!same) _pr.Convert(to, _coreW, _t.Result, _w);
    }
}
