using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>Flips kernels along every spatial axis: what turns a correlation into a true convolution.</summary>
internal static unsafe class WeightFlip
{
    /// <summary>Writes <paramref name="from"/> flipped to <paramref name="to"/>; both in the problem's weight layout.</summary>
    public static void Copy(ConvProblem p, void* from, void* to)
    {
        // Reversing every spatial axis is reversing the flattened kernel.
        bool last = p.WeightLayout == Layout.ChannelsLast;
        long taps = p.Kernel.Product, bytes = (last ? p.WeightShape[1] : 1) * p.WeightType.SizeOf();
        long blocks = last ? p.WeightShape[0] : p.WeightShape[0] * p.WeightShape[1];
        for (long b = 0; b < blocks; b++)
            for (long k = 0; k < taps; k++)
                NativeMemory.Copy((byte*)from + (((b * taps) + taps - 1 - k) * bytes), (byte*)to + (((b * taps) + k) * bytes), (nuint)bytes);
    }
}
