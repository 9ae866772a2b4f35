using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn;

/// <summary>
/// Pointwise convolutions that oneDNN's kernel <c>brgconv_1x1</c> gets wrong, or ends the process on, where it does not know the processor's caches: seen with
/// 3.7.2 (a build of ours, and for the second fault Debian's) on a Zen 5 behind a hypervisor that hides them, with AVX-512 and with AVX2, and not on other
/// machines. Other kernels compute them.
/// </summary>
internal static class OneDnnPointwise
{
    private const string Kernel = "brgconv_1x1";

    // Its estimate treats these channels on their own, and divides whole numbers by a count that may be zero.
    private static readonly (long From, long To)[] s_pairs = [(1024, 2048), (1024, 512), (256, 1024), (512, 1024), (512, 2048)];

    /// <summary>True where describing the candidate's primitive may end the process.</summary>
    public static bool EndsTheProcess(ConvProblem p, OneDnnCandidate candidate) =>
        p.Kernel.Product == 1 && p.Groups == 1 && Array.Exists(s_pairs, c => c == (p.InputChannels, p.OutputChannels) || c == (p.OutputChannels, p.InputChannels)) && !IsBlocked(p, candidate);

    /// <summary>
    /// Goes on from the kernel for several groups: a block of outputs that does not divide a group's (40, 72, 80 or 112 of them) leaves some wrong.
    /// </summary>
    /// <returns>The descriptor, or null (and disposed) where no other implementation is left.</returns>
    public static DnnlPrimitiveDescHandle? Skip(DnnlPrimitiveDescHandle? pd, ConvProblem p)
    {
        while (pd is not null && p.Groups > 1 && OneDnnRuntime.ImplementationOf(pd.Raw).Contains(Kernel, StringComparison.Ordinal))
        {
            if (dnnl_primitive_desc_next_impl(pd.Raw) == dnnl_status_t.dnnl_success) continue;
            pd.Dispose();
            return null;
        }

        return pd;
    }

    // With a layout of its own and the training kernels (which gradients are hinted by) it takes jit_1x1, which knows these types.
    private static bool IsBlocked(ConvProblem p, OneDnnCandidate c) =>
        p.InputType is DataType.F32 or DataType.BF16 && c.Layout == ActivationLayout.Any && (c.Kind == PropagationKind.Training || p.Direction != Direction.Forward);
}
