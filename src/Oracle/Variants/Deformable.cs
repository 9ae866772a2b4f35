using System.Buffers;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Deformable convolution: <c>y[n,o,p] = sum_{c,k} w[o,c,k] * m[n,k,p] * v(x[n, g(o)*C/G + c], p*s - pb + k*d + offset[n,k,p])</c>
/// where v interpolates bilinearly among four neighbours, each of which counts zero when outside. Offsets come per offset group,
/// dy before dx; m is 1 without a mask.
/// </summary>
internal sealed partial class Deformable
{
    // Roundings in a sampled value: 1 - fraction twice, two products, three additions, the mask.
    private const int SamplingRoundings = 8;

    private readonly ConvProblem _p;
    private readonly OracleTensors _t;
    private readonly long[]? _sample;
    private readonly int _channels;
    private readonly int _outputs;
    private readonly int _groupChannels;
    private readonly int _groupOutputs;
    private readonly int _offsetChannels;
    private readonly int _taps;
    private readonly int _height;
    private readonly int _width;
    private readonly int _outWidth;
    private readonly int _outPlane;

    private Deformable(ConvProblem p, OracleTensors t, long[]? sample)
    {
        (_p, _t, _sample) = (p, t, sample);
        _channels = (int)p.InputChannels;
        _outputs = (int)p.OutputChannels;
        _groupChannels = (int)(p.InputChannels / p.Groups);
        _groupOutputs = (int)(p.OutputChannels / p.Groups);
        _offsetChannels = (int)(p.InputChannels / p.OffsetGroups);
        _taps = (int)p.Kernel.Product;
        (_height, _width) = ((int)p.InputShape[2], (int)p.InputShape[3]);
        _outWidth = (int)p.OutputShape[3];
        _outPlane = (int)p.OutputSpatial.Product;
    }

    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        var d = new Deformable(p, t, sample);
        return p.Direction switch
        {
            Direction.Forward => d.Forward(),
            Direction.BackwardData => d.BackwardData(),
            Direction.BackwardWeights => d.BackwardWeights(),
            Direction.BackwardOffset => d.BackwardOffset(),
            Direction.BackwardMask => d.BackwardMask(),
            _ => BiasGradient.Compute(p, t, sample),
        };
    }

    private Sums Forward()
    {
        int length = _groupChannels * _taps;
        long groups = _p.Groups;
        return ByUnit(_p.OutputShape.Product, _p.Batch * groups * _outPlane, f => (f / _outPlane / _groupOutputs * _outPlane) + (f % _outPlane), (unit, slotOf, sums) =>
        {
            int position = (int)(unit % _outPlane), g = (int)(unit / _outPlane % groups), n = (int)(unit / _outPlane / groups);
            Sampled[] values = ArrayPool<Sampled>.Shared.Rent(length);
            for (int c = 0; c < _groupChannels; c++)
                for (int k = 0; k < _taps; k++)
                    values[(c * _taps) + k] = Value(n, (g * _groupChannels) + c, Place(n, (g * _groupChannels) + c, k, position));
            for (int j = 0; j < _groupOutputs; j++)
            {
                int o = (g * _groupOutputs) + j, slot = slotOf((((long)n * _outputs) + o) * _outPlane + position);
                if (slot < 0) continue;
                ReadOnlySpan<double> w = _t.Weights.AsSpan(o * length, length);
                double sum = 0, absolute = 0, sensitivity = 0;
                for (int i = 0; i < length; i++)
                {
                    ref readonly Sampled v = ref values[i];
                    sum += w[i] * v.Value;
                    double a = Math.Abs(w[i]);
                    absolute += a * v.Absolute;
                    sensitivity += a * v.Sensitivity;
                }

                sums.Set(slot, sum, absolute, length + SamplingRoundings);
                sums.Sensitivity![slot] = sensitivity;
            }

            ArrayPool<Sampled>.Shared.Return(values);
        });
    }

    /// <summary>
    /// Runs <paramref name="body"/> once for each unit of work that holds wanted elements. The body asks for the slot of an
    /// element by its flat index and gets -1 for one that is not in the sample.
    /// </summary>
    private Sums ByUnit(long count, long units, Func<long, long> unitOf, Action<long, Func<long, int>, Sums> body)
    {
        if (_sample is not { } sample)
        {
            var all = new Sums(count) { Sensitivity = new double[count] };
            Parallel.For(0L, units, unit => body(unit, f => (int)f, all));
            return all;
        }

        var some = new Sums(sample.Length) { Sensitivity = new double[sample.Length] };
        var slots = new Dictionary<long, int>(sample.Length);
        for (int i = 0; i < sample.Length; i++) slots[sample[i]] = i;
        Parallel.ForEach(sample.Select(unitOf).Distinct().ToArray(), unit => body(unit, f => slots.GetValueOrDefault(f, -1), some));
        return some;
    }

    /// <summary>Where tap k of channel c looks at output position <paramref name="position"/>, and the mask there.</summary>
    private Spot Place(int n, int c, int k, int position)
    {
        int oy = position / _outWidth, ox = position % _outWidth, ky = k / (int)_p.Kernel[1], kx = k % (int)_p.Kernel[1];
        long block = ((long)n * _p.OffsetGroups) + (c / _offsetChannels);
        long at = (((block * _taps) + k) * 2 * _outPlane) + position;
        double y = (oy * _p.Strides[0]) - _p.PadsBegin[0] + (ky * _p.Dilations[0]) + _t.Offset![at];
        double x = (ox * _p.Strides[1]) - _p.PadsBegin[1] + (kx * _p.Dilations[1]) + _t.Offset[at + _outPlane];
        double m = _p.HasMask ? _t.Mask![(((block * _taps) + k) * _outPlane) + position] : 1;
        // Beyond, all four neighbours are outside; NaN fails both comparisons and goes on.
        bool outside = y < -1 || y >= _height || x < -1 || x >= _width;
        double fy = Math.Floor(y), fx = Math.Floor(x);
        bool whole = !outside && !double.IsNaN(y) && !double.IsNaN(x);
        return new Spot(outside, whole ? (int)fy : 0, whole ? (int)fx : 0, y - fy, x - fx, y, x, m);
    }

    /// <summary>Element (y, x) of a channel, 0 outside.</summary>
    private double At(int n, int c, int y, int x) =>
        y < 0 || y >= _height || x < 0 || x >= _width ? 0 : _t.Input![(((((long)n * _channels) + c) * _height) + y) * _width + x];

    private Sampled Value(int n, int c, in Spot s)
    {
        if (s.Outside) return default;
        double a = At(n, c, s.Top, s.Left), b = At(n, c, s.Top, s.Left + 1), d = At(n, c, s.Top + 1, s.Left), e = At(n, c, s.Top + 1, s.Left + 1);
        double ly = s.FractionY, lx = s.FractionX, hy = 1 - ly, hx = 1 - lx, m = Math.Abs(s.Mask);
        double value = (hy * hx * a) + (hy * lx * b) + (ly * hx * d) + (ly * lx * e);
        double absolute = (hy * hx * Math.Abs(a)) + (hy * lx * Math.Abs(b)) + (ly * hx * Math.Abs(d)) + (ly * lx * Math.Abs(e));
        double slopeY = (hx * (Math.Abs(a) + Math.Abs(d))) + (lx * (Math.Abs(b) + Math.Abs(e)));
        double slopeX = (hy * (Math.Abs(a) + Math.Abs(b))) + (ly * (Math.Abs(d) + Math.Abs(e)));
        return new Sampled(s.Mask * value, m * absolute, m * ((slopeY * (Math.Abs(s.Y) + 1)) + (slopeX * (Math.Abs(s.X) + 1))));
    }

    /// <summary>A sampling position: its cell, where in the cell, and the mask.</summary>
    private readonly record struct Spot(bool Outside, int Top, int Left, double FractionY, double FractionX, double Y, double X, double Mask);

    /// <summary>
    /// An interpolated value times its mask, the same with absolute values, and how much it moves per relative rounding of the
    /// position: slope times |position|.
    /// </summary>
    private readonly record struct Sampled(double Value, double Absolute, double Sensitivity);
}
