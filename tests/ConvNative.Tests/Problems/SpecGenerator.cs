using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Random descriptions of every operation, rank and option; most are valid, the rules reject the rest.</summary>
internal static class SpecGenerator
{
    private static readonly string?[] SomeNames =
        [null, "", "a", "net:conv1*3", "two words", "quote\"inside", "\"quoted\"", "back\\slash", "ends\\", "tab\tline\nreturn\r", "# no comment", "ünïcode", "n", "--dir=X"];

    /// <summary>A valid problem for this seed.</summary>
    public static ConvProblem Problem(int seed, out int rejected)
    {
        var random = new Random(seed);
        for (rejected = 0; ; rejected++)
        {
            try
            {
                return new ConvProblem(Spec(random));
            }
            catch (ConvProblemException)
            {
            }
        }
    }

    public static ConvSpec Spec(Random r)
    {
        var op = (ConvOp)r.Next(7);
        int rank = op == ConvOp.Deformable ? 2 : r.Next(1, 4);
        bool weights = op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed or ConvOp.Deformable;
        long groups = r.Next(3) == 0 ? r.Next(2, 5) : 1, c = groups * r.Next(1, 6), o = groups * r.Next(1, 6);
        bool square = r.Next(3) == 0;
        Dims kernel = Axes(1, 5), input = Axes(1, 12);
        long offsetGroups = op == ConvOp.Deformable ? groups : 1;
        var spec = new ConvSpec
        {
            Op = op,
            Groups = groups,
            OffsetGroups = offsetGroups,
            HasMask = op == ConvOp.Deformable && r.Next(2) == 0,
            InputShape = input.Prepend(r.Next(4), c),
            WeightShape = !weights ? default : op == ConvOp.Transposed ? kernel.Prepend(c, o / groups) : kernel.Prepend(o, c / groups),
            HasBias = weights && r.Next(2) == 0,
            Name = SomeNames[r.Next(SomeNames.Length)],
            InputLayout = (Layout)r.Next(3),
            WeightLayout = (Layout)r.Next(3),
            OutputLayout = (Layout)r.Next(3),
            Direction = Direction(),
        };
        spec = spec with { PostOps = spec.Direction == ConvNative.Problems.Direction.Forward && r.Next(2) == 0 ? Post() : PostOps.None };
        (DataType, DataType, DataType)[] types =
        [
            (DataType.F32, DataType.F32, DataType.F32), (DataType.F64, DataType.F64, DataType.F64), (DataType.BF16, DataType.BF16, DataType.F32),
            (DataType.F16, DataType.F16, DataType.F16), (DataType.U8, DataType.S8, DataType.S32), (DataType.S8, DataType.S8, DataType.U8),
        ];
        (DataType Input, DataType Weights, DataType Output) = types[r.Next(types.Length)];
        spec = spec with { InputType = Input, WeightType = Weights, OutputType = weights ? Output : Input };
        if (op == ConvOp.ChannelShuffle) return spec;

        if (r.Next(2) == 0) spec = spec with { Strides = Axes(1, 4) };
        if (r.Next(2) == 0) spec = spec with { Dilations = Axes(1, 4) };
        spec = r.Next(5) switch
        {
            0 => spec with { AutoPad = (AutoPad)r.Next(1, 4) },
            1 => spec,
            _ => spec with { PadsBegin = Axes(0, 5), PadsEnd = Axes(0, 5) },
        };
        if (op == ConvOp.Col2im) return Fold(spec with { Kernel = kernel }, input);
        if (op == ConvOp.Im2col) spec = spec with { Kernel = kernel };
        if (op == ConvOp.Transposed)
        {
            if (r.Next(3) == 0) spec = spec with { OutputPadding = Axes(0, 3) };
            if (r.Next(4) == 0) spec = spec with { OutputShape = Axes(1, 30), PadsBegin = null, PadsEnd = null, AutoPad = r.Next(2) == 0 ? AutoPad.SameUpper : AutoPad.NotSet };
            return spec;
        }

        if (op == ConvOp.Deformable) return spec;
        var mode = (PaddingMode)r.Next(6);
        return spec with { PaddingMode = mode, PadValue = mode == PaddingMode.Constant ? Number() : 0, UnlimitedExtension = r.Next(3) == 0 };

        Dims Axes(int from, int to) => square ? Dims.Repeat(r.Next(from, to), rank) : Dims.Create([.. Enumerable.Range(0, rank).Select(_ => (long)r.Next(from, to))]);

        Direction Direction() => op switch
        {
            ConvOp.Deformable => (Direction)r.Next(6),
            ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed => (Direction)r.Next(4),
            _ => (Direction)r.Next(2),
        };

        double Number() => r.Next(4) switch { 0 => 1.0 / 3, 1 => -1e-9, 2 => r.NextDouble() * 1e6, _ => r.Next(-3, 4) };

        PostOps Post() => new(r.Next(2) == 0, r.Next(2) == 0 ? 1 : Number(), (ActivationKind)r.Next(10) switch
        {
            ActivationKind.Clip => Activation.Clip(-Math.Abs(Number()), r.Next(2) == 0 ? 6 : double.PositiveInfinity),
            ActivationKind.HardSwish when r.Next(2) == 0 => Activation.HardSwish,
            var kind => new Activation(kind, Number(), Number()),
        }, r.Next(2) == 0 ? null : Number());
    }

    /// <summary>Turns a spec whose sizes are an image's into one whose input are the image's columns.</summary>
    private static ConvSpec Fold(ConvSpec s, Dims image)
    {
        int rank = image.Count;
        long columns = 1;
        for (int i = 0; i < rank; i++)
        {
            long stride = s.Strides?[i] ?? 1, dilation = s.Dilations?[i] ?? 1;
            (long begin, long end) = s.AutoPad is AutoPad.SameUpper or AutoPad.SameLower
                ? ConvGeometry.SamePads(image[i], s.Kernel!.Value[i], stride, dilation, s.AutoPad == AutoPad.SameUpper)
                : (s.PadsBegin?[i] ?? 0, s.PadsEnd?[i] ?? 0);
            columns *= Math.Max(0, ConvGeometry.OutputSize(image[i], s.Kernel!.Value[i], stride, dilation, begin, end));
        }

        return s with { ImageShape = image, InputShape = [s.InputShape[0], s.InputShape[1] * s.Kernel!.Value.Product, columns] };
    }
}
