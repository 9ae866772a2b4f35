using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>
/// Pointwise convolutions between the channels that oneDNN's estimate for <c>brgconv_1x1</c> treats on their own: it divides whole numbers by
/// a count that may be zero, which ends the process while the primitive is described. Whether it is zero hangs on what the processor tells of itself;
/// seen with 3.7.2 on a Zen 5 behind a hypervisor that hides the caches, on layers of ResNet-50. The other kernels don't ask that estimate.
/// </summary>
internal static class OneDnnPairs
{
    private static readonly (long From, long To)[] s_pairs = [(1024, 2048), (1024, 512), (256, 1024), (512, 1024), (512, 2048)];

    /// <summary>True where describing the candidate's primitive may end the process.</summary>
    public static bool EndTheProcess(ConvProblem p, OneDnnCandidate candidate) =>
        p.Kernel.Product == 1 && p.Groups == 1 && Array.Exists(s_pairs, c => c == (p.InputChannels, p.OutputChannels) || c == (p.OutputChannels, p.InputChannels)) && !IsBlocked(p, candidate);

    // With a layout of its own and the training kernels (which gradients are hinted by) it takes jit_1x1, which knows these types.
    private static bool IsBlocked(ConvProblem p, OneDnnCandidate c) =>
        p.InputType is DataType.F32 or DataType.BF16 && c.Layout == ActivationLayout.Any && (c.Kind == PropagationKind.Training || p.Direction != Direction.Forward);
}
