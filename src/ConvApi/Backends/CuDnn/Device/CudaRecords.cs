using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>Strides as the kernels take them (native/cuda/common.cuh).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelStrides
{
    public long N;
    public long C;
    public long D;
    public long H;
    public long W;
}

/// <summary>Strides of columns <c>[N, C, taps, positions]</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelColumnStrides
{
    public long N;
    public long C;
    public long K;
    public long L;
}

/// <summary>A window that moves over an image; axes d, h, w.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelWindow
{
    public fixed long Image[3];
    public fixed long Kernel[3];
    public fixed long Output[3];
    public fixed long Stride[3];
    public fixed long Dilation[3];
    public fixed long Pad[3];
}

/// <summary>How an image is extended; axes d, h, w.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelExtent
{
    public fixed long Size[3];
    public fixed long Begin[3];
    public fixed long Extended[3];

    public static KernelExtent Of(Dims shape, Dims begin, Dims end)
    {
        KernelExtent e = default;
        for (int a = 0; a < 3; a++)
        {
            int i = a - (3 - begin.Count);
            e.Size[a] = i < 0 ? 1 : shape[i + 2];
            e.Begin[a] = i < 0 ? 0 : begin[i];
            e.Extended[a] = i < 0 ? 1 : begin[i] + shape[i + 2] + end[i];
        }

        return e;
    }
}

/// <summary>Sizes of a deformable convolution.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelDeform
{
    public long Batch;
    public long Channels;
    public long OffsetGroups;
    public long Height;
    public long Width;
    public long KernelH;
    public long KernelW;
    public long OutH;
    public long OutW;
    public long StrideH;
    public long StrideW;
    public long DilationH;
    public long DilationW;
    public long PadH;
    public long PadW;
}
