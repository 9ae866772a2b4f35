using ConvNative.Backends.OneDnn.Choice;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>Turns a problem and a candidate into oneDNN's primitive descriptor.</summary>
internal static unsafe class OneDnnDescriptor
{
    /// <summary>The weights' dimensions in oneDNN's order: <c>[(G,) O/G, C/G, k...]</c>, transposed convolutions too.</summary>
    public static long[] WeightDims(ConvProblem p)
    {
        long perGroupOut = p.OutputChannels / p.Groups, perGroupIn = p.InputChannels / p.Groups;
        return p.Groups > 1 ? [p.Groups, perGroupOut, perGroupIn, .. p.Kernel] : [perGroupOut, perGroupIn, .. p.Kernel];
    }

    /// <summary>Where the caller's weights lie: <c>[O, C/G, k...]</c>, transposed <c>[C, O/G, k...]</c>.</summary>
    public static DnnlMemoryDescHandle UserWeights(ConvProblem p)
    {
        Dims s = Layouts.Strides(p.WeightShape, p.WeightLayout);
        long group = p.WeightShape[0] / p.Groups * s[0];
        (long output, long input) = p.Op == ConvOp.Transposed ? (s[1], s[0]) : (s[0], s[1]);
        long[] strides = p.Groups > 1 ? [group, output, input, .. s.Slice(2)] : [output, input, .. s.Slice(2)];
        return OneDnnRuntime.Describe(WeightDims(p), p.WeightType, strides);
    }

    /// <summary>The primitive descriptor of the first implementation that is safe for the problem, or null where this oneDNN has none.</summary>
    public static DnnlPrimitiveDescHandle? TryCreate(ConvProblem p, OneDnnCandidate c)
    {
        bool transposed = p.Op == ConvOp.Transposed, forward = p.Direction == Direction.Forward;
        using DnnlMemoryDescHandle src = Activation(p.InputShape, p.InputType, p.InputLayout, c.Layout);
        using DnnlMemoryDescHandle dst = Activation(p.OutputShape, p.OutputType, p.OutputLayout, c.Layout);
        using DnnlMemoryDescHandle weights = OneDnnRuntime.DescribeAny(WeightDims(p), p.WeightType);
        using DnnlMemoryDescHandle? bias = p.HasBias ? OneDnnRuntime.Describe(p.BiasShape, OneDnnQuantization.BiasType(p), Layout.ChannelsFirst) : null;
        using DnnlPrimitiveAttrHandle attr = OneDnnAttributes.Create(p);
        dnnl_engine_t engine = OneDnnRuntime.Engine.Raw;
        dnnl_memory_desc_t biasMd = bias?.Raw ?? default;
        dnnl_prop_kind_t kind = forward && c.Kind == PropagationKind.Inference ? dnnl_prop_kind_t.dnnl_forward_inference : dnnl_prop_kind_t.dnnl_forward_training;
        dnnl_alg_kind_t alg = transposed ? dnnl_alg_kind_t.dnnl_deconvolution_direct : dnnl_alg_kind_t.dnnl_convolution_direct;
        int rank = p.Rank;
        long* strides = stackalloc long[rank], dilates = stackalloc long[rank], begin = stackalloc long[rank], end = stackalloc long[rank];
        for (int i = 0; i < rank; i++)
        {
            strides[i] = p.Strides[i];
            dilates[i] = p.Dilations[i] - 1;
            begin[i] = p.PadsBegin[i];

            // Less than a stride of rows that are never read, or of output padding, is within oneDNN's floor; it refuses negative
            // pads, and what is more has been taken off before.
            end[i] = Math.Max(0, p.PadsEnd[i] - p.OutputPadding[i]);
        }

        // The hint for a backward direction has forward types: a gradient in f32 of what is bf16 has no forward counterpart.
        using DnnlMemoryDescHandle hintSrc = forward ? src : Activation(p.InputShape, p.OutputType, p.InputLayout, c.Layout);
        using DnnlMemoryDescHandle hintWeights = forward ? weights : OneDnnRuntime.DescribeAny(WeightDims(p), p.OutputType);

        // A hint for the backward directions must not carry the bias of a problem that only asks for data.
        dnnl_primitive_desc_t raw;
        dnnl_status_t status = transposed
            ? dnnl_deconvolution_forward_primitive_desc_create(&raw, engine, kind, alg, hintSrc.Raw, hintWeights.Raw, biasMd, dst.Raw, strides, dilates, begin, end, forward ? attr.Raw : default)
            : dnnl_convolution_forward_primitive_desc_create(&raw, engine, kind, alg, hintSrc.Raw, hintWeights.Raw, biasMd, dst.Raw, strides, dilates, begin, end, forward ? attr.Raw : default);
        DnnlPrimitiveDescHandle? fwd = Adopt(status, raw, transposed ? nameof(dnnl_deconvolution_forward_primitive_desc_create) : nameof(dnnl_convolution_forward_primitive_desc_create));
        if (fwd is null) return null;
        if (forward) return OneDnnFaults.Skip(fwd, p);

        // The hint must live while implementations are gone through: oneDNN keeps a pointer to it for that.
        using (fwd)
        {
            bool data = p.Direction == Direction.BackwardData;
            status = (transposed, data) switch
            {
                (false, true) => dnnl_convolution_backward_data_primitive_desc_create(&raw, engine, alg, src.Raw, weights.Raw, dst.Raw, strides, dilates, begin, end, fwd.Raw, attr.Raw),
                (true, true) => dnnl_deconvolution_backward_data_primitive_desc_create(&raw, engine, alg, src.Raw, weights.Raw, dst.Raw, strides, dilates, begin, end, fwd.Raw, attr.Raw),
                (false, false) => dnnl_convolution_backward_weights_primitive_desc_create(&raw, engine, alg, src.Raw, weights.Raw, biasMd, dst.Raw, strides, dilates, begin, end, fwd.Raw, attr.Raw),
                (true, false) => dnnl_deconvolution_backward_weights_primitive_desc_create(&raw, engine, alg, src.Raw, weights.Raw, biasMd, dst.Raw, strides, dilates, begin, end, fwd.Raw, attr.Raw),
            };
            DnnlPrimitiveDescHandle? backward = Adopt(status, raw, data ? "dnnl_(de)convolution_backward_data_primitive_desc_create" : "dnnl_(de)convolution_backward_weights_primitive_desc_create");
            return backward is null ? null : OneDnnFaults.Skip(backward, p);
        }
    }

    private static DnnlPrimitiveDescHandle? Adopt(dnnl_status_t status, dnnl_primitive_desc_t raw, string function)
    {
        if (status == dnnl_status_t.dnnl_unimplemented) return null;
        status.ThrowIfFailed(function);
        return DnnlPrimitiveDescHandle.Adopt(raw, function, OneDnnRuntime.Engine);
    }

    private static DnnlMemoryDescHandle Activation(Dims shape, DataType type, Layout caller, ActivationLayout wanted) =>
        OneDnnRuntime.Describe(shape, type, wanted switch
        {
            ActivationLayout.Caller => caller,
            ActivationLayout.ChannelsFirst => Layout.ChannelsFirst,
            ActivationLayout.ChannelsLast => Layout.ChannelsLast,
            _ => Layout.Any,
        });
}
