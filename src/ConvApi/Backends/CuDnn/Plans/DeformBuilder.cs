using ConvNative.Backends.CuDnn.Device;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// Deformable convolution v1 and v2: our kernels sample the input into columns (or spread columns back), cuBLAS multiplies them with the
/// weights. As many images at a time as their columns fit into a bounded memory.
/// </summary>
internal sealed class DeformBuilder
{
    private const long MostColumnBytes = 256L << 20;
    private const long ChannelsPerThread = 16;

    private readonly CudaProgram _pr;
    private readonly ConvProblem _p;
    private readonly DataType _type;
    private readonly CudaTensor _x;
    private readonly CudaTensor _y;
    private readonly CudaTensor _w;
    private readonly long _taps;
    private readonly long _plane;
    private readonly long _rows;
    private readonly long _images;
    private readonly Operand _columns;

    private DeformBuilder(CudaProgram program)
    {
        (_pr, _p) = (program, program.Problem);
        _type = _p.InputType == DataType.F64 ? DataType.F64 : DataType.F32;
        _x = new CudaTensor(_p.InputShape, _p.InputLayout, _p.InputType);
        _y = new CudaTensor(_p.OutputShape, _p.OutputLayout, _p.OutputType);
        _w = new CudaTensor(_p.WeightShape, _p.WeightLayout, _p.WeightType);
        (_taps, _plane) = (_p.Kernel.Product, _p.OutputSpatial.Product);
        _rows = _p.InputChannels * _taps;
        long image = _rows * _plane * _type.SizeOf();
        _images = Math.Clamp(Math.Min(MostColumnBytes, Math.Max(1, program.Options.MaxWorkspaceBytes / 2)) / Math.Max(1, image), 1, _p.Batch);
        _columns = program.Scratch("columns", _images * image);
    }

    /// <summary>Completes the program, or says why there is none.</summary>
    public static string? Build(CudaProgram program)
    {
        ConvProblem p = program.Problem;
        if (p.InputType.IsInteger()) return $"data_type {p.InputType.Name()}: deformable convolution is computed in floating point only";
        if (p.InputType == DataType.F64 != (p.OutputType == DataType.F64)) return $"data_type {p.InputType.Name()}:{p.WeightType.Name()}:{p.OutputType.Name()}: f64 is not mixed with others";
        var builder = new DeformBuilder(program);
        switch (p.Direction)
        {
            case Direction.Forward: builder.Forward(); break;
            case Direction.BackwardData: builder.Data(); break;
            case Direction.BackwardWeights: builder.WeightGradient(); break;
            default: builder.OffsetAndMask(); break;
        }

        program.Note($"columns of {builder._images} images at a time; products by cuBLAS");
        return null;
    }

    private IEnumerable<(long First, long Count)> Chunks()
    {
        for (long n = 0; n < _p.Batch; n += _images) yield return (n, Math.Min(_images, _p.Batch - n));
    }

    /// <summary>Weights as a matrix <c>[O, C/G * taps]</c> in the type of the columns.</summary>
    private Operand Matrix() => _pr.As(_pr.Weights, _w, _w with { Layout = Layout.ChannelsFirst, Type = _type }, $"in {_type.Name()}, channels first", toWeights: true);

    private KernelColumnStrides ColumnStrides => new() { N = _rows * _plane, C = _taps * _plane, K = _plane, L = 1 };

    private KernelDeform Sizes(long images) => new()
    {
        Batch = images,
        Channels = _p.InputChannels,
        OffsetGroups = _p.OffsetGroups,
        Height = _p.InputShape[2],
        Width = _p.InputShape[3],
        KernelH = _p.Kernel[0],
        KernelW = _p.Kernel[1],
        OutH = _p.OutputShape[2],
        OutW = _p.OutputShape[3],
        StrideH = _p.Strides[0],
        StrideW = _p.Strides[1],
        DilationH = _p.Dilations[0],
        DilationW = _p.Dilations[1],
        PadH = _p.PadsBegin[0],
        PadW = _p.PadsBegin[1],
    };

    private long OffsetBytes(long image) => image * 2 * _p.OffsetGroups * _taps * _plane * _x.Type.SizeOf();

    private long MaskBytes(long image) => image * _p.OffsetGroups * _taps * _plane * _x.Type.SizeOf();

    private long InputBytes(long image, int size) => image * _x.Strides.N * size;

    private KernelCall Samples(KernelCall call, long first) => call.Add(_pr.Offset, OffsetBytes(first)).Add(_p.HasMask ? _pr.Mask : null, MaskBytes(first));

    private void Sample(long first, long count)
    {
        long perGroup = _p.InputChannels / _p.OffsetGroups, chunks = (perGroup + ChannelsPerThread - 1) / ChannelsPerThread;
        KernelCall call = _pr.Kernel("deform.cu", "cn_deform_columns", count * _p.OffsetGroups * chunks * _taps * _plane, _x.Type, _type)
            .Add(_columns).Add(_pr.Input, InputBytes(first, _x.Type.SizeOf()));
        Samples(call, first).Add(Sizes(count)).Add(_x.Strides).Add(ColumnStrides).Add(ChannelsPerThread).Add(0);
    }

    private void Forward()
    {
        Operand w = Matrix();
        CudaTensor sums = _y with { Layout = Layout.ChannelsFirst, Type = _type };
        bool finishes = _p.HasBias || !_p.PostOps.IsNone, direct = !finishes && CudaCopies.SameBytes(sums, _y);
        Operand to = direct ? _pr.Result : _pr.Scratch("sums", sums.Bytes);
        long perGroup = _p.OutputChannels / _p.Groups, depth = _rows / _p.Groups;
        foreach ((long first, long count) in Chunks())
        {
            Sample(first, count);

            // y[O/G, P] = W[O/G, C/G*taps] * columns[C/G*taps, P], group by group
            Products(
                count,
                (image, groups) => Multiply(perGroup, _plane, depth, new GemmMatrix(w, 0, Int(depth), false, perGroup * depth), Columns(image, depth, false), new GemmMatrix(to, (first + image) * _p.OutputChannels * _plane, Int(_plane), false, perGroup * _plane), groups, false));
        }

        _pr.Name("deform_columns+gemm");
        if (direct) return;
        if (!finishes)
        {
            _pr.Convert(to, sums, _pr.Result, _y);
            return;
        }

        _pr.Epilogue(_pr.As(to, sums, sums with { Layout = _y.Layout }, "in the output's layout"), _type, _pr.Result, _y);
    }

    private void Data()
    {
        Operand w = Matrix(), dy = Gradient();
        CudaTensor sums = _x with { Type = _type };
        Operand to = CudaCopies.SameBytes(sums, _x) ? _pr.Result : _pr.Scratch("sums", sums.Bytes);
        _pr.Add(new FillStep(to, sums.Bytes));
        foreach ((long first, long count) in Chunks())
        {
            ColumnGradients(w, dy, first, count);
            int size = _type.SizeOf();
            if (_pr.Options.Deterministic)
            {
                KernelCall call = _pr.Kernel("deform.cu", "cn_deform_data_ordered", count * _p.InputChannels, _x.Type, _type).Add(to, InputBytes(first, size)).Add(_columns);
                Samples(call, first).Add(Sizes(count)).Add(sums.Strides).Add(ColumnStrides);
                continue;
            }

            _pr.IsDeterministic = false;
            long perGroup = _p.InputChannels / _p.OffsetGroups, chunks = (perGroup + ChannelsPerThread - 1) / ChannelsPerThread;
            KernelCall spread = _pr.Kernel("deform.cu", "cn_deform_data", count * _p.OffsetGroups * chunks * _taps * _plane, _x.Type, _type).Add(to, InputBytes(first, size)).Add(_columns);
            Samples(spread, first).Add(Sizes(count)).Add(sums.Strides).Add(ColumnStrides).Add(ChannelsPerThread).Add(0);
        }

        _pr.Name("gemm+deform_data");
        if (!ReferenceEquals(to, _pr.Result)) _pr.Convert(to, sums, _pr.Result, _x);
    }

    private void WeightGradient()
    {
        if (_p.HasBias) _pr.BiasGradient(_pr.BiasResult);
        Operand dy = Gradient();
        CudaTensor sums = _w with { Layout = Layout.ChannelsFirst, Type = _type };
        Operand to = CudaCopies.SameBytes(sums, _w) ? _pr.Result : _pr.Scratch("sums", sums.Bytes);
        long perGroup = _p.OutputChannels / _p.Groups, depth = _rows / _p.Groups;
        foreach ((long first, long count) in Chunks())
        {
            Sample(first, count);

            // dW[O/G, C/G*taps] += dy[O/G, P] * columns'[P, C/G*taps], image by image: each adds to the one before it
            for (long image = 0; image < count; image++)
                Multiply(perGroup, depth, _plane, new GemmMatrix(dy, (first + image) * _p.OutputChannels * _plane, Int(_plane), false, perGroup * _plane), Columns(image, depth, true), new GemmMatrix(to, 0, Int(depth), false, perGroup * depth), Int(_p.Groups), first + image > 0);
        }

        _pr.Name("deform_columns+gemm");
        if (!ReferenceEquals(to, _pr.Result)) _pr.Convert(to, sums, _pr.Result, _w);
    }

    private void OffsetAndMask()
    {
        Operand w = Matrix(), dy = Gradient();
        bool offset = _p.Direction == Direction.BackwardOffset;
        foreach ((long first, long count) in Chunks())
        {
            ColumnGradients(w, dy, first, count);
            KernelCall call = _pr.Kernel("deform.cu", "cn_deform_offset_mask", count * _p.OffsetGroups * _taps * _plane, _x.Type, _type)
                .Add(offset ? _pr.Result : null, OffsetBytes(first)).Add(offset ? null : _pr.Result, MaskBytes(first)).Add(_columns).Add(_pr.Input, InputBytes(first, _x.Type.SizeOf()));
            Samples(call, first).Add(Sizes(count)).Add(_x.Strides).Add(ColumnStrides);
        }

        _pr.Name("gemm+deform_offset_mask");
    }

    private Operand Gradient() => _pr.As(_pr.Gradient, _y, _y with { Layout = Layout.ChannelsFirst, Type = _type }, $"in {_type.Name()}, channels first");

    /// <summary>columns[C/G*taps, P] = W'[C/G*taps, O/G] * dy[O/G, P].</summary>
    private void ColumnGradients(Operand w, Operand dy, long first, long count)
    {
        long perGroup = _p.OutputChannels / _p.Groups, depth = _rows / _p.Groups;
        Products(
            count,
            (image, groups) => Multiply(depth, _plane, perGroup, new GemmMatrix(w, 0, Int(depth), true, perGroup * depth), new GemmMatrix(dy, (first + image) * _p.OutputChannels * _plane, Int(_plane), false, perGroup * _plane), Columns(image, depth, false), groups, false));
    }

    private GemmMatrix Columns(long image, long depth, bool transposed) => new(_columns, image * _rows * _plane, Int(_plane), transposed, depth * _plane);

    private void Products(long images, Action<long, int> product)
    {
        for (long image = 0; image < images; image++) product(image, Int(_p.Groups));
    }

    private void Multiply(long m, long n, long k, GemmMatrix a, GemmMatrix b, GemmMatrix c, int batch, bool add) =>
        _pr.Add(new GemmStep(_type, Int(m), Int(n), Int(k), a, b, c, batch, add));

    private static int Int(long value) => checked((int)value);
}
