namespace ConvNative.Oracle.Variants;

internal sealed partial class Deformable
{
    /// <summary><c>sum_o dy[n,o,p] * w[o,c,k]</c>: the gradient of a sampled, masked value; and its absolute counterpart.</summary>
    private (double Value, double Absolute) Column(int n, int c, int k, int position)
    {
        int g = c / _groupChannels, inGroup = c % _groupChannels;
        double sum = 0, absolute = 0;
        for (int o = g * _groupOutputs; o < (g + 1) * _groupOutputs; o++)
        {
            double product = _t.OutputGrad![((((long)n * _outputs) + o) * _outPlane) + position] * _t.Weights![((((long)o * _groupChannels) + inGroup) * _taps) + k];
            sum += product;
            absolute += Math.Abs(product);
        }

        return (sum, absolute);
    }

    /// <summary>Every sampled value hands its gradient to its four neighbours, by their bilinear weights.</summary>
    private Sums BackwardData()
    {
        int plane = _height * _width;
        return ByUnit(_p.InputShape.Product, _p.Batch * _channels, f => f / plane, (unit, slotOf, sums) =>
        {
            int n = (int)(unit / _channels), c = (int)(unit % _channels);
            double[] value = new double[plane], absolute = new double[plane], sensitivity = new double[plane];
            var count = new int[plane];
            void Hand(int y, int x, double weight, double slope, double gradient, double magnitude)
            {
                if (y < 0 || y >= _height || x < 0 || x >= _width) return;
                int at = (y * _width) + x;
                value[at] += weight * gradient;
                absolute[at] += Math.Abs(weight) * magnitude;
                sensitivity[at] += slope * magnitude;
                count[at]++;
            }

            for (int position = 0; position < _outPlane; position++)
                for (int k = 0; k < _taps; k++)
                {
                    Spot s = Place(n, c, k, position);
                    if (s.Outside) continue;
                    (double gradient, double magnitude) = Column(n, c, k, position);
                    (gradient, magnitude) = (gradient * s.Mask, magnitude * Math.Abs(s.Mask));
                    double ly = s.FractionY, lx = s.FractionX, hy = 1 - ly, hx = 1 - lx, py = Math.Abs(s.Y) + 1, px = Math.Abs(s.X) + 1;
                    Hand(s.Top, s.Left, hy * hx, (hx * py) + (hy * px), gradient, magnitude);
                    Hand(s.Top, s.Left + 1, hy * lx, (lx * py) + (hy * px), gradient, magnitude);
                    Hand(s.Top + 1, s.Left, ly * hx, (hx * py) + (ly * px), gradient, magnitude);
                    Hand(s.Top + 1, s.Left + 1, ly * lx, (lx * py) + (ly * px), gradient, magnitude);
                }

            for (int at = 0; at < plane; at++)
            {
                int slot = slotOf((unit * plane) + at);
                if (slot < 0) continue;
                sums.Set(slot, value[at], absolute[at], count[at] == 0 ? 0 : count[at] + _groupOutputs + SamplingRoundings);
                sums.Sensitivity![slot] = sensitivity[at];
            }
        });
    }

    /// <summary><c>dw[o,c,k] = sum_{n,p} dy[n,o,p] * m * v</c>.</summary>
    private Sums BackwardWeights()
    {
        int batch = (int)_p.Batch;
        return ByUnit(_p.WeightShape.Product, (long)_channels * _taps, f => ((f / _taps / _groupChannels / _groupOutputs * _groupChannels) + (f / _taps % _groupChannels)) * _taps + (f % _taps), (unit, slotOf, sums) =>
        {
            int c = (int)(unit / _taps), k = (int)(unit % _taps), g = c / _groupChannels;
            var values = new Sampled[batch * _outPlane];
            for (int n = 0; n < batch; n++)
                for (int position = 0; position < _outPlane; position++)
                    values[(n * _outPlane) + position] = Value(n, c, Place(n, c, k, position));
            for (int o = g * _groupOutputs; o < (g + 1) * _groupOutputs; o++)
            {
                int slot = slotOf(((((long)o * _groupChannels) + (c % _groupChannels)) * _taps) + k);
                if (slot < 0) continue;
                double sum = 0, absolute = 0, sensitivity = 0;
                for (int n = 0; n < batch; n++)
                {
                    ReadOnlySpan<double> dy = _t.OutputGrad.AsSpan(((n * _outputs) + o) * _outPlane, _outPlane);
                    for (int position = 0; position < _outPlane; position++)
                    {
                        ref readonly Sampled v = ref values[(n * _outPlane) + position];
                        sum += dy[position] * v.Value;
                        double a = Math.Abs(dy[position]);
                        absolute += a * v.Absolute;
                        sensitivity += a * v.Sensitivity;
                    }
                }

                sums.Set(slot, sum, absolute, batch == 0 ? 0 : values.Length + SamplingRoundings);
                sums.Sensitivity![slot] = sensitivity;
            }
        });
    }

    /// <summary>
    /// <c>sum_{c of the offset group} column * m * dv/dy</c> (dx likewise). Within a cell v is linear in each coordinate; at whole
    /// pixels, where the slope jumps, the cell that floor picks decides.
    /// </summary>
    private Sums BackwardOffset() => WithSensitivity(_p.OffsetShape.Product, (sums, slot, flat) =>
    {
        int position = (int)(flat % _outPlane), k = (int)(flat / _outPlane / 2 % _taps), og = (int)(flat / _outPlane / 2 / _taps % _p.OffsetGroups);
        int n = (int)(flat / _outPlane / 2 / _taps / _p.OffsetGroups);
        bool alongX = flat / _outPlane % 2 == 1;
        double sum = 0, absolute = 0, sensitivity = 0;
        for (int c = og * _offsetChannels; c < (og + 1) * _offsetChannels; c++)
        {
            Spot s = Place(n, c, k, position);
            if (s.Outside) continue;
            double a = At(n, c, s.Top, s.Left), b = At(n, c, s.Top, s.Left + 1), d = At(n, c, s.Top + 1, s.Left), e = At(n, c, s.Top + 1, s.Left + 1);
            // Two differences across the cell, interpolated along the other axis.
            (double near, double far, double l, double where) = alongX ? (b - a, e - d, s.FractionY, s.Y) : (d - a, e - b, s.FractionX, s.X);
            (double nearTop, double farTop) = alongX ? (Math.Abs(a) + Math.Abs(b), Math.Abs(d) + Math.Abs(e)) : (Math.Abs(a) + Math.Abs(d), Math.Abs(b) + Math.Abs(e));
            (double column, double magnitude) = Column(n, c, k, position);
            double m = Math.Abs(s.Mask) * magnitude;
            sum += column * s.Mask * (((1 - l) * near) + (l * far));
            absolute += m * (((1 - l) * nearTop) + (l * farTop));
            sensitivity += m * (nearTop + farTop) * (Math.Abs(where) + 1);
        }

        sums.Set(slot, sum, absolute, _groupOutputs + _offsetChannels + SamplingRoundings);
        sums.Sensitivity![slot] = sensitivity;
    });

    /// <summary><c>sum_{c of the offset group} column * v</c>.</summary>
    private Sums BackwardMask() => WithSensitivity(_p.MaskShape.Product, (sums, slot, flat) =>
    {
        int position = (int)(flat % _outPlane), k = (int)(flat / _outPlane % _taps), og = (int)(flat / _outPlane / _taps % _p.OffsetGroups);
        int n = (int)(flat / _outPlane / _taps / _p.OffsetGroups);
        double sum = 0, absolute = 0, sensitivity = 0;
        for (int c = og * _offsetChannels; c < (og + 1) * _offsetChannels; c++)
        {
            Sampled v = Value(n, c, Place(n, c, k, position) with { Mask = 1 });
            (double column, double magnitude) = Column(n, c, k, position);
            sum += column * v.Value;
            absolute += magnitude * v.Absolute;
            sensitivity += magnitude * v.Sensitivity;
        }

        sums.Set(slot, sum, absolute, _groupOutputs + _offsetChannels + SamplingRoundings);
        sums.Sensitivity![slot] = sensitivity;
    });

    private Sums WithSensitivity(long count, Action<Sums, int, long> body)
    {
        var sums = new Sums(_sample?.Length ?? count);
        sums.Sensitivity = new double[sums.Values.Length];
        Parallel.For(0, sums.Values.Length, slot => body(sums, slot, _sample is null ? slot : _sample[slot]));
        return sums;
    }
}
