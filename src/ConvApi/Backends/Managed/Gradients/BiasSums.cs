using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// The gradient of a bias: sums of the output's gradient over all but channels. Parts and the order of all additions follow from
/// the shape alone.
/// </summary>
internal sealed unsafe class BiasSums<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostSlices = 16;
    private const int LeastElements = 8 * 1024;

    // A sum per stretch keeps the error of long sums small.
    private const int Stretch = 4096;

    private readonly bool _last;
    private readonly int _channels;
    private readonly long _plane;
    private readonly long _batch;
    private readonly int _slices;
    private readonly int _channelsPerPart;
    private readonly int _channelParts;

    public BiasSums(ConvProblem p)
    {
        _last = p.OutputLayout == Layout.ChannelsLast;
        _channels = checked((int)p.OutputChannels);
        _plane = p.OutputSpatial.Product;
        _batch = p.Batch;
        long units = _last ? _batch * _plane : _batch;
        _slices = (int)Math.Clamp(Math.Min(units, p.OutputShape.Product / LeastElements), 1, MostSlices);
        _channelsPerPart = _last ? _channels : (int)Math.Clamp(LeastElements / Math.Max(1, _plane), 1, _channels);
        _channelParts = (_channels + _channelsPerPart - 1) / _channelsPerPart;
    }

    public int Parts => _slices * _channelParts;

    /// <summary>Elements of scratch memory that <see cref="Add"/> fills and <see cref="Combine"/> reads.</summary>
    public long ScratchElements => (long)_slices * _channels;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int part, T* gradient, T* scratch)
    {
        int slice = part / _channelParts, first = part % _channelParts * _channelsPerPart, count = Math.Min(_channelsPerPart, _channels - first);
        long units = _last ? _batch * _plane : _batch, from = units * slice / _slices, to = units * (slice + 1) / _slices;
        T* sums = scratch + ((long)slice * _channels) + first;
        new Span<T>(sums, count).Clear();
        if (_last) Pixels(gradient + (from * _channels), to - from, sums);
        else
            for (long n = from; n < to; n++)
                for (int c = 0; c < count; c++) sums[c] += Plane(gradient + (((n * _channels) + first + c) * _plane));
    }

    public void Combine(T* scratch, T* bias)
    {
        for (int c = 0; c < _channels; c++)
        {
            T sum = scratch[c];
            for (int s = 1; s < _slices; s++) sum += scratch[((long)s * _channels) + c];
            bias[c] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private T Plane(T* x)
    {
        T sum = T.Zero;
        for (long at = 0; at < _plane; at += Stretch) sum += Row(x + at, (int)Math.Min(Stretch, _plane - at));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Row(T* x, int count)
    {
        int i = 0, l = Vector<T>.Count;
        Vector<T> a = Vector<T>.Zero, b = a, c = a, d = a;
        for (; i + (4 * l) <= count; i += 4 * l)
        {
            a += Vector.Load(x + i);
            b += Vector.Load(x + i + l);
            c += Vector.Load(x + i + (2 * l));
            d += Vector.Load(x + i + (3 * l));
        }

        for (; i + l <= count; i += l) a += Vector.Load(x + i);
        T sum = Vector.Sum(a + b + (c + d));
        for (; i < count; i++) sum += x[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pixels(T* x, long pixels, T* sums)
    {
        int l = Vector<T>.Count, c = 0;
        for (; c + (4 * l) <= _channels; c += 4 * l)
        {
            Vector<T> a = Vector<T>.Zero, b = a, d = a, e = a;
            T* p = x + c;
            for (long i = 0; i < pixels; i++, p += _channels)
            {
                a += Vector.Load(p);
                b += Vector.Load(p + l);
                d += Vector.Load(p + (2 * l));
                e += Vector.Load(p + (3 * l));
            }

            a.Store(sums + c);
            b.Store(sums + c + l);
            d.Store(sums + c + (2 * l));
            e.Store(sums + c + (3 * l));
        }

        for (; c + l <= _channels; c += l)
        {
            Vector<T> a = Vector<T>.Zero;
            for (long i = 0; i < pixels; i++) a += Vector.Load(x + (i * _channels) + c);
            a.Store(sums + c);
        }

        for (; c < _channels; c++)
            for (long i = 0; i < pixels; i++) sums[c] += x[(i * _channels) + c];
    }
}

/// <summary>Backward bias of every variant that has one.</summary>
internal sealed unsafe class BiasPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly BiasSums<T> _sums;
    private T* _scratch;

    public BiasPlan(ConvProblem problem, PlanOptions options)
        : base(problem, options, "managed:sum", problem.OutputShape.Product)
    {
        _sums = new BiasSums<T>(problem);
        _scratch = (T*)AllocateWorkspace(_sums.ScratchElements * sizeof(T));
    }

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++) _sums.Add((int)part, (T*)Now.OutputGradient, _scratch);
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
    }

    protected override void Execute()
    {
        Spread(_sums.Parts);
        _sums.Combine(_scratch, (T*)Now.Result);
    }
}
