using ConvNative.Backends.CuDnn.Device;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>Channel shuffle, im2col and col2im, forward and backward: our kernels alone, and the epilogue's behind them.</summary>
internal static class RearrangeBuilder
{
    /// <summary>Completes the program, or says why there is none.</summary>
    public static string? Build(CudaProgram pr)
    {
        ConvProblem p = pr.Problem;
        bool forward = p.Direction == Direction.Forward;
        var input = new CudaTensor(p.InputShape, p.InputLayout, p.InputType);
        var output = new CudaTensor(p.OutputShape, p.OutputLayout, p.OutputType);
        (Operand from, CudaTensor source) = forward ? (pr.Input, input) : (pr.Gradient, output);
        CudaTensor target = forward ? output : input;
        if (source.Type != target.Type) return $"data_type {source.Type.Name()} to {target.Type.Name()}: a rearrangement keeps its type";
        bool finishes = !p.PostOps.IsNone;
        if (finishes && target.Type.IsInteger()) return $"data_type {target.Type.Name()}: post-ops behind a rearrangement are in floating point only";
        if (p.Op == ConvOp.ChannelShuffle)
        {
            Shuffle(pr, from, source, target, forward ? p.Groups : p.InputChannels / p.Groups);
            if (finishes) pr.Epilogue(pr.Result, target.Type, pr.Result, target);
            return null;
        }

        bool unfolds = (p.Op == ConvOp.Im2col) == forward;
        CudaTensor image = unfolds ? source : target, columns = unfolds ? target : source;
        if (unfolds)
        {
            Unfold(pr, from, image, columns);
            if (finishes) pr.Epilogue(pr.Result, columns.Type, pr.Result, columns);
            return null;
        }

        if (source.Type.IsInteger()) return $"data_type {source.Type.Name()}: columns are summed in floating point only";
        FoldColumns(pr, from, columns, image);
        return null;
    }

    private static void Shuffle(CudaProgram pr, Operand from, CudaTensor source, CudaTensor target, long groups)
    {
        pr.Kernel("rearrange.cu", "cn_channel_shuffle", source.Count, source.Type, bytes: source.Type.SizeOf())
            .Add(pr.Result).Add(from).Add(target.Strides).Add(source.Strides).Add(source.Shape[0]).Add(source.Shape[1]).Add(groups).Add(source.Depth).Add(source.Height).Add(source.Width).Add(target.Last);
        pr.Name("channel_shuffle");
    }

    private static void Unfold(CudaProgram pr, Operand from, CudaTensor image, CudaTensor columns)
    {
        ConvProblem p = pr.Problem;
        double outside = p.PaddingMode == PaddingMode.Constant && p.Direction == Direction.Forward ? p.PadValue : 0;
        pr.Kernel("columns.cu", "cn_im2col", columns.Count, image.Type, bytes: image.Type.SizeOf())
            .Add(pr.Result).Add(from).Add(ColumnStrides(p, columns)).Add(image.Strides).Add(Window(p, image.Shape.Slice(2), image.Shape.Slice(2), p.PadsBegin)).Add(image.Shape[0]).Add(image.Shape[1])
            .Add((int)p.PaddingMode).Add(CudaCopies.Bits(outside, image.Type)).Add(columns.Last);
        pr.Name("im2col");
    }

    private static void FoldColumns(CudaProgram pr, Operand from, CudaTensor columns, CudaTensor image)
    {
        ConvProblem p = pr.Problem;
        pr.Name("col2im");

        // What is finished by another kernel is not rounded before.
        bool finishes = !p.PostOps.IsNone;
        CudaTensor summed = image with { Type = !finishes || image.Type == DataType.F64 ? image.Type : DataType.F32 };
        Operand result = summed.Type == image.Type ? pr.Result : pr.Scratch("sums", summed.Bytes);
        Sum(pr, from, columns, result, summed);
        if (finishes) pr.Epilogue(result, summed.Type, pr.Result, image);
    }

    private static void Sum(CudaProgram pr, Operand from, CudaTensor columns, Operand result, CudaTensor image)
    {
        ConvProblem p = pr.Problem;
        if (p.PaddingMode is PaddingMode.Zeros or PaddingMode.Constant)
        {
            Gather(pr, from, columns, result, image, image.Shape.Slice(2), p.PadsBegin);
            return;
        }

        // The extended image is summed first, in f32 at least, and folded then.
        long[] shape = image.Shape.ToArray();
        for (int i = 0; i < p.Rank; i++) shape[i + 2] += p.PadsBegin[i] + p.PadsEnd[i];
        CudaTensor extended = image with { Shape = Dims.Create(shape), Type = image.Type == DataType.F64 ? DataType.F64 : DataType.F32 };
        Operand sums = pr.Scratch("extended image", extended.Bytes);
        Gather(pr, from, columns, sums, extended, image.Shape.Slice(2), Dims.Repeat(0, p.Rank));
        pr.Fold(sums, extended, result, image, p.PadsBegin, p.PadsEnd, p.PaddingMode);
        pr.Name("fold");
    }

    private static void Gather(CudaProgram pr, Operand from, CudaTensor columns, Operand to, CudaTensor image, Dims real, Dims pads) =>
        pr.Kernel("columns.cu", "cn_col2im", image.Count, columns.Type, image.Type)
            .Add(to).Add(from).Add(image.Strides).Add(ColumnStrides(pr.Problem, columns)).Add(Window(pr.Problem, image.Shape.Slice(2), real, pads)).Add(image.Shape[0]).Add(image.Shape[1]).Add(image.Last);

    /// <summary>Columns are [N, C*K, L]: row c*K + k.</summary>
    private static KernelColumnStrides ColumnStrides(ConvProblem p, CudaTensor columns)
    {
        Dims s = Layouts.Strides(columns.Shape, columns.Layout);
        return new KernelColumnStrides { N = s[0], C = s[1] * p.Kernel.Product, K = s[1], L = s[2] };
    }

    private static unsafe KernelWindow Window(ConvProblem p, Dims image, Dims real, Dims pads)
    {
        KernelWindow g = default;
        for (int a = 0; a < 3; a++)
        {
            int i = a - (3 - p.Rank);
            g.Image[a] = i < 0 ? 1 : image[i];
            g.Kernel[a] = i < 0 ? 1 : p.Kernel[i];
            g.Output[a] = i < 0 ? 1 : ConvGeometry.OutputSize(real[i], p.Kernel[i], p.Strides[i], p.Dilations[i], p.PadsBegin[i], p.PadsEnd[i]);
            g.Stride[a] = i < 0 ? 1 : p.Strides[i];
            g.Dilation[a] = i < 0 ? 1 : p.Dilations[i];
            g.Pad[a] = i < 0 ? 0 : pads[i];
        }

        return g;
    }
}
