using ConvNative.Problems.Rules;

namespace ConvNative.Problems.Graphs;

/// <summary>What a window is reduced to.</summary>
public enum PoolKind
{
    /// <summary>Its largest element; NaN where one is.</summary>
    Max,

    /// <summary>The mean of its elements inside the input.</summary>
    Average,
}

/// <summary>A pooling window; what lies outside the input is no part of it, for the mean neither.</summary>
/// <param name="Kind">Largest or mean.</param>
/// <param name="Kernel">Size per spatial axis.</param>
/// <param name="Strides">Step per spatial axis.</param>
/// <param name="PadsBegin">Windows begin this far before the first element; less than the kernel.</param>
/// <param name="PadsEnd">Windows may end this far behind the last element; less than the kernel.</param>
public sealed record PoolWindow(PoolKind Kind, Dims Kernel, Dims Strides, Dims PadsBegin, Dims PadsEnd)
{
    /// <summary>The output's spatial size: <c>floor((I + pb + pe - K)/s) + 1</c>.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public Dims OutputSpatial(Dims input)
    {
        DefinedValue.Check("kind", Kind);
        var output = new long[input.Count];
        foreach ((string field, Dims value) in new[] { ("kernel", Kernel), ("strides", Strides), ("pads_begin", PadsBegin), ("pads_end", PadsEnd) })
            if (value.Count != input.Count) throw new ConvProblemException(field, value.ToString(), $"must have {input.Count} entries, one a spatial axis");
        for (int i = 0; i < output.Length; i++)
        {
            if (Kernel[i] < 1) throw new ConvProblemException("kernel", Kernel.ToString(), "must be at least 1");
            if (Strides[i] < 1) throw new ConvProblemException("strides", Strides.ToString(), "must be at least 1");
            if (PadsBegin[i] < 0 || PadsBegin[i] >= Kernel[i]) throw new ConvProblemException("pads_begin", PadsBegin.ToString(), $"must be at least 0 and less than the kernel, {Kernel}: no window may lie outside");
            if (PadsEnd[i] < 0 || PadsEnd[i] >= Kernel[i]) throw new ConvProblemException("pads_end", PadsEnd.ToString(), $"must be at least 0 and less than the kernel, {Kernel}: no window may lie outside");
            output[i] = ConvGeometry.OutputSize(input[i], Kernel[i], Strides[i], 1, PadsBegin[i], PadsEnd[i]);
            if (output[i] < 1) throw new ConvProblemException("kernel", Kernel.ToString(), $"must not exceed the padded input, {input[i] + PadsBegin[i] + PadsEnd[i]} on axis {i}");
        }

        return Dims.Create(output);
    }

    /// <summary>For example <c>max pool 3x3, stride 2</c>.</summary>
    public override string ToString() => $"{(Kind == PoolKind.Max ? "max" : "average")} pool {ConvText.Sizes(Kernel)}{ConvText.Steps(", stride ", Strides)}";
}
