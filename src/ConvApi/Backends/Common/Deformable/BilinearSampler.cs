using ConvNative.Problems;

namespace ConvNative.Backends.Common.Deformable;

/// <summary>Finds the sampling points of a deformable convolution from its offsets <c>[N, OG*K*2, OH, OW]</c> and mask <c>[N, OG*K, OH, OW]</c>.</summary>
internal readonly unsafe struct BilinearSampler
{
    private readonly int _height;
    private readonly int _width;
    private readonly int _outWidth;
    private readonly int _kernelWidth;
    private readonly int _taps;
    private readonly int _offsetGroups;
    private readonly double _strideY;
    private readonly double _strideX;
    private readonly double _padY;
    private readonly double _padX;
    private readonly double _dilationY;
    private readonly double _dilationX;
    private readonly long _plane;

    public BilinearSampler(ConvProblem p)
    {
        (_height, _width) = (checked((int)p.InputShape[2]), checked((int)p.InputShape[3]));
        _outWidth = checked((int)p.OutputShape[3]);
        _plane = p.OutputSpatial.Product;
        (_taps, _kernelWidth) = (checked((int)p.Kernel.Product), checked((int)p.Kernel[1]));
        _offsetGroups = checked((int)p.OffsetGroups);
        (_strideY, _strideX) = (p.Strides[0], p.Strides[1]);
        (_padY, _padX) = (p.PadsBegin[0], p.PadsBegin[1]);
        (_dilationY, _dilationX) = (p.Dilations[0], p.Dilations[1]);
    }

    /// <summary>Index of dy in the offsets; dx is a plane further.</summary>
    public long OffsetIndex(long n, int offsetGroup, int tap, long pixel) => (((((n * _offsetGroups) + offsetGroup) * _taps) + tap) * 2 * _plane) + pixel;

    /// <summary>Index in the mask.</summary>
    public long MaskIndex(long n, int offsetGroup, int tap, long pixel) => (((((n * _offsetGroups) + offsetGroup) * _taps) + tap) * _plane) + pixel;

    /// <summary>The point of one tap at output pixel <paramref name="pixel"/>; <paramref name="mask"/> may be null.</summary>
    public void Locate(float* offset, float* mask, long n, int offsetGroup, int tap, int pixel, out BilinearPoint point)
    {
        long at = OffsetIndex(n, offsetGroup, tap, pixel);
        int oy = pixel / _outWidth, ox = pixel - (oy * _outWidth), ky = tap / _kernelWidth, kx = tap - (ky * _kernelWidth);

        // In double the sum is exact, so that the cell, on which the offset's gradient depends, never comes from rounding.
        double y = ((oy * _strideY) - _padY + (ky * _dilationY)) + offset[at];
        double x = ((ox * _strideX) - _padX + (kx * _dilationX)) + offset[at + _plane];
        float m = mask == null ? 1 : mask[MaskIndex(n, offsetGroup, tap, pixel)];
        point.TopLeft = point.TopRight = point.BottomLeft = point.BottomRight = -1;
        if (y < -1 || y >= _height || x < -1 || x >= _width)
        {
            point.Y = point.X = point.Mask = 0;
            return;
        }

        double top = Math.Floor(y), left = Math.Floor(x);
        point.Y = (float)(y - top);
        point.X = (float)(x - left);
        point.Mask = m;

        // A place that is not a number has neighbours, so that the result is not a number either.
        bool somewhere = !double.IsNaN(y) && !double.IsNaN(x);
        int h = somewhere ? (int)top : 0, w = somewhere ? (int)left : 0, index = (h * _width) + w;
        bool above = h >= 0, below = h + 1 < _height, before = w >= 0, after = w + 1 < _width;
        if (above && before) point.TopLeft = index;
        if (above && after) point.TopRight = index + 1;
        if (below && before) point.BottomLeft = index + _width;
        if (below && after) point.BottomRight = index + _width + 1;
    }
}
