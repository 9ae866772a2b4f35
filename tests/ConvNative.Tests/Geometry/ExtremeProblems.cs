using ConvNative.Problems;

namespace ConvNative.Tests.Geometry;

/// <summary>Random problems of little work whose kernels, strides, dilations and pads are of any size.</summary>
internal static class ExtremeProblems
{
    private const long MostElements = 200_000;
    private const long MostWork = 2_000_000;

    private static readonly long[] s_kernels = [1, 2, 3, 5, 60, 700];
    private static readonly long[] s_sizes = [1, 2, 3, 6, 50, 900];
    private static readonly long[] s_steps = [1, 1, 1, 2, 3, 7, 500, 40_000, 1_000_000, 1 << 28, int.MaxValue];
    private static readonly long[] s_pads = [0, 0, 1, 2, 5, 600, 70_000, 1 << 27, 2_000_000_000];

    /// <summary>The problem of a seed.</summary>
    public static ConvProblem Of(int seed)
    {
        var random = new Random(seed);
        while (true)
        {
            try
            {
                var p = new ConvProblem(Spec(random));
                if (Count(p.InputShape) <= MostElements && Count(p.OutputShape) <= MostElements && Count(p.OffsetShape) <= MostElements
                    && Math.Max(p.MultiplyAdds, p.OutputShape.Product * p.Kernel.Product) <= MostWork)
                    return p;
            }
            catch (ConvProblemException)
            {
            }
        }
    }

    private static double Count(Dims shape) => shape.Aggregate(1.0, (n, v) => n * v);

    private static ConvSpec Spec(Random r)
    {
        ConvOp op = Pick([ConvOp.Correlation, ConvOp.Correlation, ConvOp.Convolution, ConvOp.Transposed, ConvOp.Transposed, ConvOp.Im2col, ConvOp.Col2im, ConvOp.Deformable]);
        int rank = op == ConvOp.Deformable ? 2 : r.Next(1, 4);
        long groups = r.Next(3) == 0 ? 2 : 1, c = groups * r.Next(1, 4), o = groups * r.Next(1, 4);
        bool weights = op is not (ConvOp.Im2col or ConvOp.Col2im);
        var (kernel, size, output) = (new long[rank], new long[rank], new long[rank]);
        for (int i = 0; i < rank; i++) (kernel[i], size[i], output[i]) = (Pick(s_kernels), Pick(s_sizes), Pick(s_sizes));
        Direction direction = !weights ? Pick([Direction.Forward, Direction.BackwardData]) : Pick([Direction.Forward, Direction.Forward, Direction.BackwardData, Direction.BackwardWeights]);
        DataType type = Pick([DataType.F32, DataType.F32, DataType.F64, DataType.BF16]);
        var spec = new ConvSpec
        {
            Op = op,
            Direction = direction,
            InputType = type,
            WeightType = type,
            OutputType = type,
            Groups = weights ? groups : 1,
            HasBias = weights && direction != Direction.BackwardData && r.Next(2) == 0,
            InputShape = Dims.Create(size).Prepend(r.Next(1, 3), c),
            WeightShape = !weights ? default : op == ConvOp.Transposed ? Dims.Create(kernel).Prepend(c, o / groups) : Dims.Create(kernel).Prepend(o, c / groups),
            Kernel = weights ? null : Dims.Create(kernel),
            InputLayout = Pick([Layout.ChannelsFirst, Layout.ChannelsLast]),
            OutputLayout = Pick([Layout.ChannelsFirst, Layout.ChannelsLast]),
            Strides = Each(s_steps),
            Dilations = Each(s_steps),
            PadsBegin = Each(s_pads),
        };
        if (op == ConvOp.Col2im) return Columns(spec, Dims.Create(size), c);
        if (op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Im2col && r.Next(2) == 0)
            spec = spec with { PaddingMode = (PaddingMode)r.Next(6), UnlimitedExtension = true };

        // Half of them read what the end pads say, the others as many outputs as are wanted.
        return r.Next(2) == 0 || op == ConvOp.Im2col ? spec with { PadsEnd = Each(s_pads) } : spec with { OutputShape = Dims.Create(output), ImpliedTrailingPads = true };

        T Pick<T>(T[] of) => of[r.Next(of.Length)];
        Dims Each(long[] of) => Dims.Create([.. Enumerable.Range(0, rank).Select(_ => Pick(of))]);
    }

    private static ConvSpec Columns(ConvSpec s, Dims image, long channels)
    {
        long columns = 1;
        for (int i = 0; i < image.Count; i++)
        {
            long count = ConvGeometry.OutputSize(image[i], s.Kernel!.Value[i], s.Strides!.Value[i], s.Dilations!.Value[i], s.PadsBegin!.Value[i], 0);
            columns = count < 1 || count > MostElements ? MostElements + 1 : columns * count;
            if (columns > MostElements) break;
        }

        return s with { ImageShape = image, InputShape = [s.InputShape[0], channels * s.Kernel!.Value.Product, columns] };
    }
}
