using System.Numerics;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>A bilinear sample at (y, x) of a plane: four neighbours, each of which counts nothing when it is outside.</summary>
internal readonly unsafe struct Sample<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _fy;
    private readonly T _fx;
    private readonly long _at;
    private readonly long _down;
    private readonly long _right;
    private readonly bool _top;
    private readonly bool _bottom;
    private readonly bool _leftIn;
    private readonly bool _rightIn;

    public Sample(T y, T x, int height, int width, long strideH, long strideW)
    {
        (_down, _right) = (strideH, strideW);
        T y0 = T.Floor(y), x0 = T.Floor(x);

        // Beyond, no neighbour exists. NaN is not beyond: it goes on, as fractions of the first cell, and reaches the result. Neither may
        // reach the conversion to int.
        if (y0 < -T.One || y0 >= T.CreateTruncating(height) || x0 < -T.One || x0 >= T.CreateTruncating(width)) return;
        (_fy, _fx) = (y - y0, x - x0);
        bool whole = !T.IsNaN(y0) && !T.IsNaN(x0);
        int h = whole ? int.CreateTruncating(y0) : 0, w = whole ? int.CreateTruncating(x0) : 0;
        _at = (h * strideH) + (w * strideW);
        (_top, _bottom, _leftIn, _rightIn) = (h >= 0, h + 1 < height, w >= 0, w + 1 < width);
    }

    public T Value(T* plane)
    {
        T v = T.Zero;
        if (_top && _leftIn) v += (T.One - _fy) * (T.One - _fx) * plane[_at];
        if (_top && _rightIn) v += (T.One - _fy) * _fx * plane[_at + _right];
        if (_bottom && _leftIn) v += _fy * (T.One - _fx) * plane[_at + _down];
        if (_bottom && _rightIn) v += _fy * _fx * plane[_at + _down + _right];
        return v;
    }

    /// <summary>Derivatives along y and x; from the right where the position is a whole number.</summary>
    public (T AlongY, T AlongX) Slope(T* plane)
    {
        T dy = T.Zero, dx = T.Zero;
        if (_top && _leftIn) Add(plane[_at], -(T.One - _fx), -(T.One - _fy));
        if (_top && _rightIn) Add(plane[_at + _right], -_fx, T.One - _fy);
        if (_bottom && _leftIn) Add(plane[_at + _down], T.One - _fx, -_fy);
        if (_bottom && _rightIn) Add(plane[_at + _down + _right], _fx, _fy);
        return (dy, dx);

        void Add(T v, T alongY, T alongX)
        {
            dy += v * alongY;
            dx += v * alongX;
        }
    }

    /// <summary>The adjoint of <see cref="Value"/>: spreads <paramref name="g"/> over the neighbours.</summary>
    public void Add(T* plane, T g)
    {
        if (_top && _leftIn) plane[_at] += (T.One - _fy) * (T.One - _fx) * g;
        if (_top && _rightIn) plane[_at + _right] += (T.One - _fy) * _fx * g;
        if (_bottom && _leftIn) plane[_at + _down] += _fy * (T.One - _fx) * g;
        if (_bottom && _rightIn) plane[_at + _down + _right] += _fy * _fx * g;
    }
}
