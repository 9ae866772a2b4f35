using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// Which taps of a linear problem exist, by arithmetic alone: nothing is tabulated. "Big" is the side that a correlation reads (a
/// transposed convolution's output), "small" the other; weights are <c>[small channels, big channels/groups, k...]</c> either way.
/// </summary>
internal sealed unsafe class TapWindow
{
    private readonly bool _down;
    private readonly bool _flip;
    private readonly int _groups;
    private readonly int _bigChannels;
    private readonly int _smallChannels;
    private readonly long _batch;
    private readonly Strides5 _bigStrides;
    private readonly Strides5 _smallStrides;
    private readonly long[] _big = [1, 1, 1];
    private readonly long[] _small = [1, 1, 1];
    private readonly int[] _kernel = [1, 1, 1];
    private readonly long[] _stride = [1, 1, 1];
    private readonly long[] _dilation = [1, 1, 1];
    private readonly long[] _begin = [0, 0, 0];

    /// <summary>For a problem whose activations' layouts are decided.</summary>
    public TapWindow(ConvProblem p)
    {
        bool transposed = p.Op == ConvOp.Transposed;
        // A gradient of the weights is seen from the small side, each of whose elements meets every tap that exists.
        _down = p.Direction == Direction.BackwardWeights || transposed == (p.Direction != Direction.Forward);
        _flip = p.Op == ConvOp.Convolution;
        (_groups, _batch) = ((int)p.Groups, p.Batch);
        (Dims big, Dims small) = transposed ? (p.OutputShape, p.InputShape) : (p.InputShape, p.OutputShape);
        _bigStrides = Strides5.Of(big, transposed ? p.OutputLayout : p.InputLayout);
        _smallStrides = Strides5.Of(small, transposed ? p.InputLayout : p.OutputLayout);
        (_bigChannels, _smallChannels) = ((int)big[1], (int)small[1]);
        for (int i = 0; i < p.Rank; i++)
        {
            int a = 3 - p.Rank + i;
            (_big[a], _small[a], _kernel[a]) = (big[i + 2], small[i + 2], (int)p.Kernel[i]);
            (_stride[a], _dilation[a], _begin[a]) = (p.Strides[i], p.Dilations[i], p.PadsBegin[i]);
        }
    }

    /// <summary>Channels of the result (of a forward or data direction).</summary>
    public int Destinations => _down ? _smallChannels : _bigChannels;

    /// <summary>Channels that one element of the result sums over.</summary>
    public int Sources => (_down ? _bigChannels : _smallChannels) / _groups;

    public int Taps => _kernel[0] * _kernel[1] * _kernel[2];

    /// <summary>Elements from one source channel to the next.</summary>
    public long SourceStep => _down ? _bigStrides.C : _smallStrides.C;

    /// <summary>True when no element of the result lacks a tap.</summary>
    public bool IsWhole
    {
        get
        {
            for (int a = 0; a < 3; a++)
                for (long at = 0; at < Size(a); at++)
                    if (!HasAll(a, at)) return false;
            return true;
        }
    }

    /// <summary>Size of the result along an axis (D, H, W).</summary>
    public long Size(int axis) => _down ? _small[axis] : _big[axis];

    public bool HasAll(long d, long h, long w) => HasAll(0, d) && HasAll(1, h) && HasAll(2, w);

    public long ResultOffset(long n, int channel, long d, long h, long w)
    {
        Strides5 s = _down ? _smallStrides : _bigStrides;
        return (n * s.N) + (channel * s.C) + (d * s.D) + (h * s.H) + (w * s.W);
    }

    /// <summary>Where tap <paramref name="k"/> of an element reads the source, in the first channel of its group; negative where it reads nothing.</summary>
    public long SourceOffset(long n, int channel, long d, long h, long w, int k)
    {
        (int kd, int kh, int kw) = Tap(k);
        long sd = Source(0, d, kd), sh = Source(1, h, kh), sw = Source(2, w, kw);
        if ((sd | sh | sw) < 0) return -1;
        Strides5 s = _down ? _bigStrides : _smallStrides;
        long first = (long)(channel / (Destinations / _groups)) * Sources;
        return (n * s.N) + (first * s.C) + (sd * s.D) + (sh * s.H) + (sw * s.W);
    }

    /// <summary>
    /// Where the weight of tap <paramref name="k"/> lies: of a forward or data direction from source channel <paramref name="second"/> of the group to
    /// destination <paramref name="first"/>, of a gradient of the weights at these indices of theirs.
    /// </summary>
    public long WeightOffset(Strides5 s, int first, int second, int k)
    {
        (int kd, int kh, int kw) = Tap(k);
        if (_flip) (kd, kh, kw) = (_kernel[0] - 1 - kd, _kernel[1] - 1 - kh, _kernel[2] - 1 - kw);
        (long small, long big) = (first, second);
        if (!_down)
        {
            int perGroup = _bigChannels / _groups;
            (small, big) = (((long)(first / perGroup) * Sources) + second, first % perGroup);
        }

        return (small * s.N) + (big * s.C) + (kd * s.D) + (kh * s.H) + (kw * s.W);
    }

    /// <summary>The gradient of one weight: the sum over the positions at which its tap exists.</summary>
    public double GradientSum(void* small, DataType smallType, void* big, DataType bigType, int smallChannel, int bigChannel, int k)
    {
        (int kd, int kh, int kw) = Tap(k);
        long channel = ((long)(smallChannel / (_smallChannels / _groups)) * (_bigChannels / _groups)) + bigChannel;
        double sum = 0;
        for (long n = 0; n < _batch; n++)
            for (long d = 0; d < _small[0]; d++)
                for (long h = 0; h < _small[1]; h++)
                {
                    long bd = Big(0, d, kd), bh = Big(1, h, kh);
                    if ((bd | bh) < 0) continue;
                    long x = (n * _bigStrides.N) + (channel * _bigStrides.C) + (bd * _bigStrides.D) + (bh * _bigStrides.H);
                    long y = (n * _smallStrides.N) + (smallChannel * _smallStrides.C) + (d * _smallStrides.D) + (h * _smallStrides.H);
                    for (long w = 0; w < _small[2]; w++)
                    {
                        long bw = Big(2, w, kw);
                        if (bw >= 0) sum += (double)Elements.Read(small, y + (w * _smallStrides.W), smallType) * Elements.Read(big, x + (bw * _bigStrides.W), bigType);
                    }

                    // A NaN stays one.
                    if (double.IsNaN(sum)) return sum;
                }

        return sum;
    }

    private (int D, int H, int W) Tap(int k) => (k / (_kernel[1] * _kernel[2]), k / _kernel[2] % _kernel[1], k % _kernel[2]);

    private bool HasAll(int a, long at)
    {
        int last = _kernel[a] - 1;
        bool everyStep = _down || last == 0 || _dilation[a] % _stride[a] == 0;
        return everyStep && Source(a, at, 0) >= 0 && Source(a, at, last) >= 0;
    }

    private long Source(int a, long at, int k) => _down ? Big(a, at, k) : Small(a, at, k);

    private long Big(int a, long small, int k)
    {
        long big = (small * _stride[a]) - _begin[a] + (k * _dilation[a]);
        return big < _big[a] ? big : -1;
    }

    private long Small(int a, long big, int k)
    {
        (long small, long rest) = Math.DivRem(big + _begin[a] - (k * _dilation[a]), _stride[a]);
        return rest == 0 && small >= 0 && small < _small[a] ? small : -1;
    }
}
