using System.Runtime.InteropServices;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>Scales and zero points as oneDNN's attributes: which there are, and the memory that carries their values.</summary>
internal static unsafe class OneDnnQuantization
{
    /// <summary>oneDNN scales the sum itself, in f32, and then wants the bias in real units.</summary>
    public static bool HasScales(ConvProblem p) => p.Quantization is { } q && (q.InputScale != 1 || q.OutputScale != 1 || q.WeightScales.Length > 1 || q.WeightScales[0] != 1);

    /// <summary>The type of the bias that the primitive reads.</summary>
    public static DataType BiasType(ConvProblem p) => HasScales(p) ? DataType.F32 : p.BiasType;

    /// <summary>Declares them.</summary>
    public static void Declare(ConvProblem p, DnnlPrimitiveAttrHandle attr)
    {
        foreach ((int arg, int mask, _) in Values(p))
        {
            if ((arg & DNNL_ARG_ATTR_ZERO_POINTS) != 0)
                dnnl_primitive_attr_set_zero_points_mask(attr.Raw, arg & ~DNNL_ARG_ATTR_ZERO_POINTS, mask).ThrowIfFailed(nameof(dnnl_primitive_attr_set_zero_points_mask));
            else
                dnnl_primitive_attr_set_scales_mask(attr.Raw, arg & ~DNNL_ARG_ATTR_SCALES, mask).ThrowIfFailed(nameof(dnnl_primitive_attr_set_scales_mask));
        }
    }

    /// <summary>Memory with their values, by argument; the caller owns it.</summary>
    public static List<(int Arg, DnnlMemory Memory)> Arguments(ConvProblem p)
    {
        var made = new List<(int, DnnlMemory)>();
        foreach ((int arg, _, double[] values) in Values(p))
        {
            bool zero = (arg & DNNL_ARG_ATTR_ZERO_POINTS) != 0;
            var memory = new DnnlMemory(OneDnnRuntime.Describe((ReadOnlySpan<long>)[values.Length], zero ? DataType.S32 : DataType.F32, [1]), allocate: true);
            for (int i = 0; i < values.Length; i++)
            {
                if (zero) ((int*)memory.Data)[i] = (int)values[i];
                else ((float*)memory.Data)[i] = (float)values[i];
            }

            made.Add((arg, memory));
        }

        return made;
    }

    /// <summary>Copies the caller's bias to the primitive's.</summary>
    public static void CopyBias(ConvProblem p, void* bias, DnnlMemory to)
    {
        if (!HasScales(p))
        {
            NativeMemory.Copy(bias, to.Data, (nuint)to.Size);
            return;
        }

        for (int o = 0; o < p.OutputChannels; o++) ((float*)to.Data)[o] = (float)(((int*)bias)[o] * (p.Quantization!.InputScale * p.Quantization.WeightScale(o)));
    }

    private static IEnumerable<(int Arg, int Mask, double[] Values)> Values(ConvProblem p)
    {
        if (p.Quantization is not { } q) yield break;

        // Weights are [(G,) O/G, ...]: a scale for each output channel runs over both.
        if (q.WeightScales.Length > 1) yield return (DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, p.Groups > 1 ? 3 : 1, [.. q.WeightScales]);
        else if (q.WeightScales[0] != 1) yield return (DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, 0, [q.WeightScales[0]]);
        if (q.InputScale != 1) yield return (DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, 0, [q.InputScale]);
        if (q.OutputScale != 1) yield return (DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, 0, [q.OutputScale]);
        if (q.InputZeroPoint != 0) yield return (DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, 0, [q.InputZeroPoint]);
        if (q.OutputZeroPoint != 0) yield return (DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST, 0, [q.OutputZeroPoint]);
    }
}
