using ConvNative.Backends.Common.Geometry;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Rewrites;

/// <summary>What oneDNN has no word for becomes a copy of the input and a problem that it can express.</summary>
internal static class OneDnnSteps
{
    /// <summary>The copy (null where none is needed), what it is for, and the problem that remains.</summary>
    public static (InputExtension? Extension, string Purpose, ConvProblem Inner) For(ConvProblem p)
    {
        int rank = p.Rank;
        var begin = new long[rank];
        var end = new long[rank];
        long[] pads = p.PadsBegin.ToArray();
        string purpose = "";
        for (int i = 0; i < rank; i++)
        {
            long trailing = p.PadsEnd[i] - p.OutputPadding[i];
            if (p.PaddingMode != PaddingMode.Zeros)
            {
                (begin[i], end[i]) = (p.PadsBegin[i], trailing);
                purpose = $"{Names.Of(p.PaddingMode)} padding";
            }
            else if (trailing <= -p.Strides[i])
            {
                // Transposed: zeros appended to the input reach the output padding. Else: rows that are never read go.
                end[i] = p.Op == ConvOp.Transposed ? -ConvGeometry.FloorDiv(trailing, p.Strides[i]) : trailing;
                purpose = p.Op == ConvOp.Transposed ? "output padding of a stride or more" : "cropping";
                if (p.Op == ConvOp.Transposed || p.InputShape[i + 2] + trailing > 0) continue;

                // Every window lies in the begin padding: one element of it stands for the input, which none reads.
                (begin[i], end[i]) = (1, -p.InputShape[i + 2]);
                pads[i] = checked(((p.OutputShape[i + 2] - 1) * p.Strides[i]) + ConvGeometry.Extent(p.Kernel[i], p.Dilations[i]) - 1);
            }
        }

        if (purpose.Length == 0) return (null, purpose, p);

        // The copy is ours, so is its layout: an engine's choice would be another copy.
        ConvProblem plain = p.InputLayout == Layout.Any ? p.With(s => s with { InputLayout = Layout.ChannelsFirst }) : p;

        // Many elements of the copy's gradient may add up in one: they do so in f32, and are rounded once.
        if (p.Direction == Direction.BackwardData && p.InputType is DataType.BF16 or DataType.F16 && p.OutputType == p.WeightType)
            plain = plain.With(s => s with { InputType = DataType.F32 });
        var extension = new InputExtension(plain, Dims.Create(begin), Dims.Create(end));
        ConvProblem inner = plain.With(s => s with
        {
            InputShape = extension.Shape,
            PadsBegin = p.PaddingMode != PaddingMode.Zeros ? Dims.Repeat(0, rank) : Dims.Create(pads),
            PadsEnd = null,
            OutputPadding = null,
            PaddingMode = PaddingMode.Zeros,
            PadValue = 0,
            UnlimitedExtension = false,
        });
        return (extension, purpose, inner);
    }
}
