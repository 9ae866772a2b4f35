using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// Taps of one destination index of an axis, in the order in which they are summed: the i-th is kernel index <c>Tap + i*TapStep</c> and reads place
/// <c>Place + i*PlaceStep</c> of the source.
/// </summary>
internal readonly record struct TapRun(int Count, int Tap, int TapStep, long Place, long PlaceStep);

/// <summary>
/// For each destination index of one axis its taps: a gather, so that no two threads ever write the same element, in an order that no thread count
/// changes. Nothing is tabulated: the taps of an index are an arithmetic progression, on either side.
/// </summary>
internal sealed class AxisTaps
{
    private readonly AxisMap _map;
    private readonly bool _down;
    private readonly bool _flip;
    private readonly bool _all;
    private readonly long _tapStep;
    private readonly long _smallStep;
    private readonly long _inverse;

    /// <param name="map">The axis.</param>
    /// <param name="down">The destination is the small side: the correlation itself; else the big side, its adjoint, where padding gives nothing.</param>
    /// <param name="flip">The caller stores the kernel backwards.</param>
    /// <param name="keepOutside">Taps outside count, too (constant padding).</param>
    public AxisTaps(AxisMap map, bool down, bool flip, bool keepOutside)
    {
        (_map, _down, _flip) = (map, down, flip);
        _all = keepOutside || map.Mode is not (PaddingMode.Zeros or PaddingMode.Constant);
        (Destinations, SourceSize) = down ? (map.Small, map.Big) : (map.Big, map.Small);
        (long common, _inverse) = Euclid(map.Dilation, map.Stride);
        (_tapStep, _smallStep) = (map.Stride / common, map.Dilation / common);
    }

    public int Destinations { get; }

    public int SourceSize { get; }

    /// <summary>The taps of a destination index.</summary>
    public TapRun Of(int index)
    {
        int kernel = _map.Kernel;
        if (_down)
        {
            (int from, int to) = _all ? (0, kernel) : _map.Taps(index);
            return new TapRun(to - from, _flip ? kernel - 1 - from : from, _flip ? -1 : 1, _map.Place(index, from), _map.Dilation);
        }

        // All (p, k) with p*stride + k*dilation = index + pad, p ascending: k is known modulo stride over the common divisor.
        long at = index + _map.PadBegin, common = _map.Stride / _tapStep;
        if (at % common != 0) return default;
        long first = at / common % _tapStep * _inverse % _tapStep;
        long most = Math.Min(kernel - 1, at / _map.Dilation), least = -ConvGeometry.FloorDiv(((_map.Small - 1) * _map.Stride) - at, _map.Dilation);
        long last = most - ((((most - first) % _tapStep) + _tapStep) % _tapStep);
        least = Math.Max(0, least);
        if (last < least) return default;
        long count = ((last - least) / _tapStep) + 1, p = (at - (last * _map.Dilation)) / _map.Stride;
        return new TapRun((int)count, (int)(_flip ? kernel - 1 - last : last), (int)Math.Clamp(_flip ? _tapStep : -_tapStep, int.MinValue, int.MaxValue), p, _smallStep);
    }

    /// <summary>The element of the source at a place of a run, or <see cref="AxisMap.Outside"/>.</summary>
    public int Source(long place) => AxisMap.Map(place, SourceSize, _down ? _map.Mode : PaddingMode.Zeros);

    /// <summary>Greatest common divisor of a and m, and the inverse of a over it modulo m over it.</summary>
    private static (long Common, long Inverse) Euclid(long a, long m)
    {
        (long r0, long r1, long s0, long s1) = (a, m, 1, 0);
        while (r1 != 0)
        {
            long q = r0 / r1;
            (r0, r1, s0, s1) = (r1, r0 - (q * r1), s1, s0 - (q * s1));
        }

        long step = m / r0;
        return (r0, ((s0 % step) + step) % step);
    }
}
