using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>
/// The input's and the weights' shapes of a case: from the tensor, else from <c>input_shape</c> and <c>weight_shape</c>, else, for
/// a backward direction, from the output gradient where only one size is possible.
/// </summary>
internal sealed class ShapeInference(CaseSpec spec, IReadOnlyDictionary<string, NpyArray> tensors)
{
    private readonly bool _hasWeights = spec.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed or ConvOp.Deformable;

    private bool Transposed => spec.Op == ConvOp.Transposed;

    public (Dims Input, Dims Weights) Resolve()
    {
        Dims? input = Given("input", "input_shape", spec.InputShape);
        Dims? weights = _hasWeights ? Given("weights", "weight_shape", spec.WeightShape) : spec.WeightShape ?? default(Dims);
        if (spec.Direction == Direction.BackwardData) input ??= Input(weights);
        if (spec.Direction == Direction.BackwardWeights && input is { } known) weights ??= Weights(known);
        return (
            input ?? throw Missing("input", "input_shape", spec.Direction is not (Direction.BackwardData or Direction.BackwardBias)),
            weights ?? throw Missing("weights", "weight_shape", spec.Direction is not (Direction.BackwardWeights or Direction.BackwardBias)));
    }

    /// <summary>Backward bias only sums the output gradient: with a shape missing, any problem with that output has the same answer.</summary>
    public bool IsBareBiasGradient => spec.Direction == Direction.BackwardBias && _hasWeights
        && (Given("input", "input_shape", spec.InputShape) is null || Given("weights", "weight_shape", spec.WeightShape) is null);

    public ConvSpec BareBiasGradient(ConvSpec types)
    {
        Dims dy = OutputGrad();
        if (dy.Count is < 3 or > 5) throw new ConvProblemException("output_grad", dy.ToString(), "must be [N, O, ...] with 1, 2 or 3 spatial axes");
        Dims ones = Dims.Repeat(1, dy.Count - 2);
        if (spec.Groups < 1 || dy[1] % spec.Groups != 0) throw new ConvProblemException("groups", $"{spec.Groups}", $"must divide the {dy[1]} output channels");
        return types with
        {
            Op = ConvOp.Correlation,
            Direction = Direction.BackwardBias,
            HasBias = true,
            InputShape = dy.Slice(2).Prepend(dy[0], 1),
            WeightShape = ones.Prepend(dy[1], 1),
        };
    }

    private ConvProblemException Missing(string tensor, string field, bool read) => read
        ? new ConvProblemException(tensor, "none", $"{Names.Of(spec.Op)} {Names.Of(spec.Direction)} needs this tensor")
        : new ConvProblemException(field, "none", $"it cannot be inferred: give {field}");

    private Dims? Given(string tensor, string field, Dims? shape)
    {
        if (!tensors.TryGetValue(tensor, out NpyArray? array)) return shape;
        if (shape is { } stated && stated != array.Shape) throw new ConvProblemException(field, stated.ToString(), $"disagrees with the {tensor} tensor's {array.Shape}");
        return array.Shape;
    }

    private Dims OutputGrad() => tensors.TryGetValue("output_grad", out NpyArray? array) ? array.Shape
        : throw new ConvProblemException("output_grad", "none", $"{Names.Of(spec.Direction)} needs this tensor");

    private Dims? Input(Dims? weights)
    {
        Dims dy = OutputGrad();
        if (spec.Op == ConvOp.ChannelShuffle) return dy;
        if (spec.Op == ConvOp.Col2im) return Columns(dy);
        if (!_hasWeights || weights is not { } w || w.Count != dy.Count || dy.Count is < 3 or > 5 || spec.OutputShape is not null) return null;
        int rank = dy.Count - 2;
        var size = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            long o = dy[i + 2], s = Axis("strides", spec.Strides, i, rank, 1), extent = ConvGeometry.Extent(w[i + 2], Axis("dilations", spec.Dilations, i, rank, 1));
            if (s < 1) return null;
            long pads = Axis("pads_begin", spec.PadsBegin, i, rank, 0) + Axis("pads_end", spec.PadsEnd, i, rank, 0);
            bool same = spec.AutoPad is AutoPad.SameUpper or AutoPad.SameLower;
            if (Transposed)
            {
                long spread = same ? o - s : o + pads - extent - Axis("output_padding", spec.OutputPadding, i, rank, 0);
                if (spread < 0 || spread % s != 0) return null;
                size[i] = (spread / s) + 1;
            }
            else if (s != 1)
            {
                throw new ConvProblemException("input_shape", "none", $"it cannot be inferred with stride {s} on spatial axis {i}: give input_shape");
            }
            else
            {
                size[i] = same ? o : o - 1 + extent - pads;
            }
        }

        return Dims.Create(size).Prepend(dy[0], Transposed ? w[0] : checked(w[1] * Math.Max(1, spec.Groups)));
    }

    private Dims? Columns(Dims dy)
    {
        if (spec.Kernel is not { } kernel || spec.ImageShape is not { } image || dy.Count != kernel.Count + 2 || image.Count != kernel.Count || spec.AutoPad is not (AutoPad.NotSet or AutoPad.Valid)) return null;
        long blocks = 1;
        for (int i = 0; i < kernel.Count; i++)
        {
            long s = Axis("strides", spec.Strides, i, kernel.Count, 1);
            if (s < 1) return null;
            long n = ConvGeometry.OutputSize(image[i], kernel[i], s, Axis("dilations", spec.Dilations, i, kernel.Count, 1), Axis("pads_begin", spec.PadsBegin, i, kernel.Count, 0), Axis("pads_end", spec.PadsEnd, i, kernel.Count, 0));
            blocks = checked(blocks * Math.Max(1, n));
        }

        return [dy[0], checked(dy[1] * kernel.Product), blocks];
    }

    private Dims? Weights(Dims input)
    {
        Dims dy = OutputGrad();
        if (!_hasWeights || dy.Count != input.Count || dy.Count is < 3 or > 5) return null;
        int rank = dy.Count - 2;
        long groups = spec.Groups;
        if (groups < 1 || input[1] % groups != 0 || dy[1] % groups != 0) return null;
        var size = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            if (spec.Kernel is { } kernel)
            {
                size[i] = Axis("kernel", kernel, i, rank, 1);
                continue;
            }

            long s = Axis("strides", spec.Strides, i, rank, 1), d = Axis("dilations", spec.Dilations, i, rank, 1);
            long pads = Axis("pads_begin", spec.PadsBegin, i, rank, 0) + Axis("pads_end", spec.PadsEnd, i, rank, 0);
            if (spec.AutoPad is AutoPad.SameUpper or AutoPad.SameLower || spec.OutputShape is not null || s < 1 || d < 1) return null;
            if (!Transposed && s != 1) throw new ConvProblemException("weight_shape", "none", $"it cannot be inferred with stride {s} on spatial axis {i}: give weight_shape");
            long reach = Transposed
                ? dy[i + 2] - ((input[i + 2] - 1) * s) + pads - Axis("output_padding", spec.OutputPadding, i, rank, 0) - 1
                : input[i + 2] + pads - dy[i + 2];
            if (reach < 0 || reach % d != 0) return null;
            size[i] = (reach / d) + 1;
        }

        return Dims.Create(size).Prepend(Transposed ? [input[1], dy[1] / groups] : [dy[1], input[1] / groups]);
    }

    private static long Axis(string field, Dims? values, int axis, int rank, long fallback)
    {
        if (values is not { } v) return fallback;
        if (v.Count != rank) throw new ConvProblemException(field, v.ToString(), $"must have {rank} entries, one for each spatial axis");
        return v[axis];
    }
}
