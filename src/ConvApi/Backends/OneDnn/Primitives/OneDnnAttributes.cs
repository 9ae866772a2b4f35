using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>Post-ops as oneDNN fuses them: a sum into the destination, then an element-wise function, then a linear one.</summary>
internal static unsafe class OneDnnAttributes
{
    public static DnnlPrimitiveAttrHandle Create(PostOps ops) => Create(ops, null);

    /// <summary>With the problem's scales and zero points.</summary>
    public static DnnlPrimitiveAttrHandle Create(ConvProblem p) => Create(p.PostOps, p);

    private static DnnlPrimitiveAttrHandle Create(PostOps ops, ConvProblem? p)
    {
        Quantization? q = p?.Quantization;
        DnnlPrimitiveAttrHandle attr = DnnlPrimitive.NewAttributes();
        if (ops.IsNone && q is null) return attr;
        try
        {
            if (p is not null) OneDnnQuantization.Declare(p, attr);
            if (ops.IsNone) return attr;
            dnnl_post_ops_t raw;
            dnnl_post_ops_create(&raw).ThrowIfFailed(nameof(dnnl_post_ops_create));
            using DnnlPostOpsHandle list = DnnlPostOpsHandle.Adopt(raw, nameof(dnnl_post_ops_create));
            if (ops.Residual)
                dnnl_post_ops_append_sum(raw, (float)(ops.ResidualScale * (q?.OutputScale ?? 1)), q?.OutputZeroPoint ?? 0, dnnl_data_type_t.dnnl_data_type_undef).ThrowIfFailed(nameof(dnnl_post_ops_append_sum));
            if (ops.Activation.Kind != ActivationKind.None)
            {
                Activation a = ops.Activation;
                dnnl_post_ops_append_eltwise(raw, Algorithm(a.Kind), (float)a.Alpha, (float)a.Beta).ThrowIfFailed(nameof(dnnl_post_ops_append_eltwise));
            }

            if (ops.OutputScale is { } scale)
                dnnl_post_ops_append_eltwise(raw, dnnl_alg_kind_t.dnnl_eltwise_linear, (float)scale, 0).ThrowIfFailed(nameof(dnnl_post_ops_append_eltwise));
            dnnl_primitive_attr_set_post_ops(attr.Raw, raw).ThrowIfFailed(nameof(dnnl_primitive_attr_set_post_ops));
            return attr;
        }
        catch
        {
            attr.Dispose();
            throw;
        }
    }

    private static dnnl_alg_kind_t Algorithm(ActivationKind kind) => kind switch
    {
        ActivationKind.Relu or ActivationKind.LeakyRelu => dnnl_alg_kind_t.dnnl_eltwise_relu,
        ActivationKind.Clip => dnnl_alg_kind_t.dnnl_eltwise_clip,
        ActivationKind.Sigmoid => dnnl_alg_kind_t.dnnl_eltwise_logistic,
        ActivationKind.Tanh => dnnl_alg_kind_t.dnnl_eltwise_tanh,
        ActivationKind.GeluErf => dnnl_alg_kind_t.dnnl_eltwise_gelu_erf,
        ActivationKind.GeluTanh => dnnl_alg_kind_t.dnnl_eltwise_gelu_tanh,
        ActivationKind.Silu => dnnl_alg_kind_t.dnnl_eltwise_swish,
        ActivationKind.HardSwish => dnnl_alg_kind_t.dnnl_eltwise_hardswish,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no element-wise function"),
    };
}
