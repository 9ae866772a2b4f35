using ConvNative.Backends.CuDnn.Device;
using ConvNative.Backends.CuDnn.Graph;
using ConvNative.Bindings;
using ConvNative.Bindings.CuDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// 8-bit problems. Either cuDNN's s8 x s8 -> s32 channels last, channels filled up to fours, with zero points corrected by sums of weights and
/// windows; or, where it has no engine (transposed, groups), values less their zero points in f64, whose sums are exact. Scales, rounding
/// and saturation follow in our kernel, in double.
/// </summary>
internal sealed class IntegerBuilder
{
    private const int Shift = -128;

    // cuDNN's 8-bit engines take multiples of four channels.
    private const long Four = 4;

    private readonly CudaProgram _pr;
    private readonly ConvProblem _p;
    private readonly Quantization _q;
    private readonly CudaTensor _x;
    private readonly CudaTensor _w;
    private readonly CudaTensor _y;

    private IntegerBuilder(CudaProgram program)
    {
        (_pr, _p) = (program, program.Problem);
        _q = _p.Quantization ?? Quantization.None;
        _x = new CudaTensor(_p.InputShape, _p.InputLayout, _p.InputType);
        _w = new CudaTensor(_p.WeightShape, _p.WeightLayout, _p.WeightType);
        _y = new CudaTensor(_p.OutputShape, _p.OutputLayout, _p.OutputType);
    }

    /// <summary>Completes the program, or says what every way came to.</summary>
    public static string? Build(CudaProgram program)
    {
        ConvProblem p = program.Problem;
        if (p.Direction != Direction.Forward) return $"direction {Names.Of(p.Direction)}: 8-bit integers are computed forward only";
        var builder = new IntegerBuilder(program);
        NativeCallException? broken = null;
        string narrow = p.Op == ConvOp.Transposed ? "transposed: cuDNN has no 8-bit gradient" : "";
        foreach (bool fill in p.Op == ConvOp.Transposed ? [] : new[] { false, true })
        {
            // Channels of zeros between groups would be another problem.
            if (fill && (p.Groups > 1 || (p.InputChannels % Four == 0 && p.OutputChannels % Four == 0))) continue;
            if (builder.TryNarrow(fill, ref broken) is not { } refused) return null;
            narrow += (narrow.Length > 0 ? "; filled: " : "") + refused;
        }

        if (builder.Wide() is not { } wide) return null;
        return broken is null ? $"[s8] {narrow} [f64] {wide}" : throw broken;
    }

    private int InputShift => _x.Type == DataType.U8 ? Shift : 0;

    private int WeightShift => _w.Type == DataType.U8 ? Shift : 0;

    private string? TryNarrow(bool fill, ref NativeCallException? broken)
    {
        int zero = _q.InputZeroPoint + InputShift, rank = _p.Rank;
        Core core = Core.Of(_p);
        (long[] begin, long[] end, long[] pre, long[] post) = (new long[rank], new long[rank], core.Pre.ToArray(), core.Post.ToArray());
        bool extends = false;
        for (int i = 0; i < rank; i++)
        {
            // Padding counts as the zero point: only where that is 0 can cuDNN pad.
            if (_p.PaddingMode != PaddingMode.Zeros || zero != 0) (begin[i], end[i], pre[i], post[i]) = (pre[i], post[i], 0, 0);
            else if (post[i] <= -_p.Strides[i]) (end[i], post[i]) = (post[i], 0);
            else post[i] = Math.Max(0, post[i]);
            extends |= begin[i] != 0 || end[i] != 0;
        }

        long[] extended = _x.Shape.ToArray();
        for (int i = 0; i < rank; i++) extended[i + 2] += begin[i] + end[i];
        var x = new CudaTensor(Dims.Create(extended), Layout.ChannelsLast, DataType.S8);
        CudaTensor w = _w with { Layout = Layout.ChannelsLast, Type = DataType.S8 }, sums = _y with { Layout = Layout.ChannelsLast, Type = DataType.S32 };
        CudaTensor fullX = fill ? Filled(x, false) : x, fullW = fill ? Filled(w, true) : w, fullSums = fill ? Filled(sums, false) : sums;
        Dims Axes(ReadOnlySpan<long> v, long first) => rank == 1 ? [first, v[0]] : Dims.Create(v);
        var spec = new GraphSpec
        {
            Kind = GraphKind.Forward,
            Image = GraphTensor.Of(GraphSpec.X, fullX),
            Filter = GraphTensor.Of(GraphSpec.W, fullW),
            Output = GraphTensor.Of(GraphSpec.Y, fullSums),
            Pre = Axes(pre, 0),
            Post = Axes(post, 0),
            Strides = Axes(_p.Strides.Span, 1),
            Dilations = Axes(_p.Dilations.Span, 1),
            Compute = cudnnDataType_t.CUDNN_DATA_INT32,
        };
        (CompiledGraph? graph, string reason) = _pr.Find(spec, DataType.S8, ref broken);
        if (graph is null) return reason;

        Operand image = extends ? Extend(x, fullX, begin, end) : Signed(_pr.Input, _x, fullX, InputShift, false);
        Operand filter = _p.Op == ConvOp.Convolution ? _pr.Flip(_pr.Weights, _w, null, toWeights: true) : _pr.Weights;
        filter = Signed(filter, _w, w, WeightShift, true);
        Operand result = _pr.Scratch("s32 sums", fullSums.Bytes);
        _pr.Add(graph, spec, [(GraphSpec.X, image), (GraphSpec.W, fill ? Signed(filter, w, fullW, 0, true) : filter), (GraphSpec.Y, result)]);
        if (fill) _pr.Note("channels are filled up to multiples of four with zeros");

        int[] weightZeros = [.. Enumerable.Range(0, checked((int)_p.OutputChannels)).Select(o => _q.WeightZeroPoint(o) + WeightShift)];
        Operand? zeros = weightZeros.Any(z => z != 0) ? _pr.Constant("weight zero points", weightZeros) : null;
        Operand? offset = zero != 0 ? Offset(filter, w, zeros, zero) : null;
        Operand? window = zeros is null ? null : Window(image, fullX, pre, zero);
        CudaTensor ordered = sums with { Layout = _y.Layout };
        if (fullSums.Shape != ordered.Shape || !CudaCopies.SameBytes(fullSums, ordered))
        {
            Operand to = _pr.Scratch("sums in the output's layout", ordered.Bytes);
            _pr.Convert(result, fullSums, to, ordered);
            result = to;
        }

        Finish(result, offset, zeros, window);
        return null;
    }

    private static CudaTensor Filled(CudaTensor t, bool rows)
    {
        long[] shape = t.Shape.ToArray();
        if (rows) shape[0] = (shape[0] + Four - 1) / Four * Four;
        shape[1] = (shape[1] + Four - 1) / Four * Four;
        return t with { Shape = Dims.Create(shape) };
    }

    /// <summary>A copy as s8 in the layout that cuDNN wants, where the tensor is not that already; what the target has more is zero.</summary>
    private Operand Signed(Operand from, CudaTensor source, CudaTensor target, int shift, bool toWeights)
    {
        bool fills = source.Shape[0] != target.Shape[0] || source.Shape[1] != target.Shape[1];
        if (shift == 0 && !fills) return _pr.As(from, source, target, "channels last", toWeights);
        Operand to = _pr.Scratch($"{from.Name} as s8", target.Bytes, counts: !toWeights);

        // Once, with the weights: no run writes to the channels that are not there.
        if (fills) _pr.Add(new FillStep(to, target.Bytes), toWeights: true);
        _pr.Convert(from, source, to, target, shift, toWeights);
        if (shift != 0) _pr.Note($"{from.Name} as s8, 128 off");
        return to;
    }

    private Operand Extend(CudaTensor x, CudaTensor full, long[] begin, long[] end)
    {
        CudaTensor padded = x with { Type = _x.Type };
        Operand to = _pr.Scratch("padded input", padded.Bytes);
        double value = _p.PaddingMode == PaddingMode.Constant ? _p.PadValue : _q.InputZeroPoint;
        _pr.Pad(_pr.Input, _x, to, padded, Dims.Create(begin), Dims.Create(end), _p.PaddingMode == PaddingMode.Zeros ? PaddingMode.Constant : _p.PaddingMode, CudaCopies.Bits(value, _x.Type));
        _pr.Name("pad");
        return Signed(to, padded, full, InputShift, false);
    }

    private Operand Offset(Operand filter, CudaTensor w, Operand? zeros, int zero)
    {
        Operand offset = _pr.Scratch("zero point offsets", _p.OutputChannels * sizeof(long), counts: false);
        _pr.Kernel("requantize.cu", "cn_weight_sum", _p.OutputChannels, DataType.S8, DataType.S32, toWeights: true)
            .Add(offset).Add(filter).Add(zeros).Add(_p.OutputChannels).Add(w.Count / _p.OutputChannels).Add(zero);
        _pr.Note("the input's zero point is corrected by sums of the weights");
        return offset;
    }

    private unsafe Operand Window(Operand image, CudaTensor x, long[] pre, int zero)
    {
        KernelWindow g = default;
        for (int a = 0; a < 3; a++)
        {
            int i = a - (3 - _p.Rank);
            g.Image[a] = i < 0 ? 1 : x.Shape[i + 2];
            g.Kernel[a] = i < 0 ? 1 : _p.Kernel[i];
            g.Output[a] = i < 0 ? 1 : _p.OutputSpatial[i];
            g.Stride[a] = i < 0 ? 1 : _p.Strides[i];
            g.Dilation[a] = i < 0 ? 1 : _p.Dilations[i];
            g.Pad[a] = i < 0 ? 0 : pre[i];
        }

        long count = _p.Batch * _p.Groups * _p.OutputSpatial.Product;
        Operand window = _pr.Scratch("window sums", count * sizeof(int));
        _pr.Kernel("requantize.cu", "cn_window_sum", count, DataType.S8, DataType.S32)
            .Add(window).Add(image).Add(x.Strides).Add(g).Add(_p.Batch).Add(_p.InputChannels).Add(_p.Groups).Add(zero).Add(_y.Last);
        _pr.Note("weights' zero points are corrected by sums of the windows");
        return window;
    }

    private string? Wide()
    {
        ConvProblem wide = _p.With(s => s with
        {
            InputType = DataType.F64,
            WeightType = DataType.F64,
            OutputType = DataType.F64,
            HasBias = false,
            PostOps = PostOps.None,
            Quantization = null,
            PadValue = s.PaddingMode == PaddingMode.Constant ? Math.Round(s.PadValue) - _q.InputZeroPoint : 0,
            Name = null,
        });
        CudaTensor x = _x with { Type = DataType.F64 }, w = _w with { Type = DataType.F64 }, sums = _y with { Type = DataType.F64 };
        var tensors = new LinearTensors(_pr.Scratch("input in f64", x.Bytes), _pr.Scratch("weights in f64", w.Bytes, counts: false), _pr.Gradient, _pr.Scratch("sums in f64", sums.Bytes));

        // The conversions come first in the stream, and are worth nothing if no engine is found: then the program is dropped.
        _pr.Convert(_pr.Input, _x, tensors.Input, x, -_q.InputZeroPoint);
        Weights(tensors.Weights, w);
        if (LinearBuilder.Build(_pr, wide, tensors) is { } reason) return reason;
        _pr.Note("no 8-bit engine: values less their zero points in f64, whose sums are exact");
        Operand narrow = _pr.Scratch("s32 sums", sums.Bytes / 2);
        _pr.Convert(tensors.Result, sums, narrow, sums with { Type = DataType.S32 });
        Finish(narrow, null, null, null);
        return null;
    }

    /// <summary>Weights less their zero points; where those differ, one output channel after the other.</summary>
    private void Weights(Operand to, CudaTensor w)
    {
        if (_q.WeightZeroPoints.Length == 1)
        {
            _pr.Convert(_pr.Weights, _w, to, w, -_q.WeightZeroPoints[0], toWeights: true);
            return;
        }

        bool transposed = _p.Op == ConvOp.Transposed;
        long perGroup = _p.OutputChannels / _p.Groups, rows = transposed ? _p.InputChannels / _p.Groups : 1;
        KernelStrides s = _w.Strides, t = w.Strides;
        for (long o = 0; o < _p.OutputChannels; o++)
        {
            // Transposed weights are [C, O/G, k...]: the rows of the channel's group, one column of them.
            long row = transposed ? o / perGroup * rows : o, column = transposed ? o % perGroup : 0, columns = transposed ? 1 : _w.Shape[1], at = (row * s.N) + (column * s.C);
            _pr.Kernel("convert.cu", "cn_convert", rows * columns * _p.Kernel.Product, _w.Type, w.Type, toWeights: true)
                .Add(to, at * sizeof(double)).Add(_pr.Weights, at).Add(t).Add(s).Add(rows).Add(columns).Add(_w.Depth).Add(_w.Height).Add(_w.Width).Add(-_q.WeightZeroPoint(o)).Add(w.Last);
        }
    }

    private void Finish(Operand sums, Operand? offset, Operand? zeros, Operand? window)
    {
        double[] unit = [.. Enumerable.Range(0, checked((int)_p.OutputChannels)).Select(o => _q.InputScale * _q.WeightScale(o))];
        PostOps ops = _p.PostOps;
        _pr.Kernel("requantize.cu", "cn_requantize", _y.Count, DataType.S8, _y.Type)
            .Add(_pr.Result).Add(sums).Add(offset).Add(zeros).Add(window).Add(_p.HasBias ? _pr.Bias : null).Add(_pr.Constant("units", unit)).Add(ops.Residual ? _pr.Residual : null)
            .Add(_y.Count).Add(_y.Inner).Add(_p.OutputChannels).Add(_p.Groups).Add(ops.ResidualScale).Add(_q.OutputScale).Add(_q.OutputZeroPoint)
            .Add(ops.IsNone ? 0 : 1).Add((int)ops.Activation.Kind).Add(ops.Activation.Alpha).Add(ops.Activation.Beta).Add(ops.OutputScale ?? 1.0);
        _pr.Name("requantize");
    }
}
