using System.Numerics.Tensors;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Graphs.Neighbours;

/// <summary>What stands between convolutions, on channels-last f32 tensors; parts are rows of pixels, so no two threads write one element.</summary>
internal abstract unsafe class Neighbour : IParallelWork
{
    // Below so many elements (some 5 us) a second thread costs more than it brings.
    private const long OneThreadElements = 30_000;

    /// <summary>Number of independent parts.</summary>
    protected long Parts { get; init; }

    /// <summary>Elements that are read.</summary>
    protected long Elements { get; init; }

    /// <inheritdoc/>
    public abstract void DoParts(long from, long to, int worker);

    /// <summary>Runs all parts.</summary>
    public void Run(int threads) => WorkerPool.Shared.Run(this, Parts, Elements < OneThreadElements ? 1 : threads);
}

/// <summary>Copies each pixel's channels behind one another, with an activation.</summary>
internal sealed unsafe class ConcatNeighbour : Neighbour
{
    private readonly int[] _channels;
    private readonly int _all;
    private readonly PostOpRunner<float> _after;

    public ConcatNeighbour(int[] channels, long pixels, Activation activation)
    {
        (_channels, _all) = (channels, channels.Sum());
        _after = new PostOpRunner<float>(PostOps.None with { Activation = activation });
        Sources = new nint[channels.Length];
        Parts = pixels;
        Elements = pixels * _all;
    }

    public nint[] Sources { get; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        // Few pixels at a time, so that the activation finds them in the first-level cache.
        const int Block = 8;
        for (long p = from; p < to; p += Block)
        {
            int pixels = (int)Math.Min(Block, to - p), at = 0;
            for (int s = 0; s < Sources.Length; at += _channels[s++])
            {
                int c = _channels[s];
                float* x = (float*)Sources[s] + (p * c), y = Target + (p * _all) + at;
                for (int i = 0; i < pixels; i++, x += c, y += _all) new ReadOnlySpan<float>(x, c).CopyTo(new Span<float>(y, c));
            }

            if (!_after.IsNone) _after.Apply(Target + (p * _all), null, checked(pixels * _all));
        }
    }
}

/// <summary><c>activation(x * gate + addend)</c>; a part is a pixel with a gate, else a block of elements. Source and target may be one.</summary>
internal sealed unsafe class ElementNeighbour : Neighbour
{
    private const int BlockLength = 4096;
    private readonly PostOpRunner<float> _after;
    private readonly long _length;
    private readonly long _pixels;
    private readonly int _block;

    public ElementNeighbour(Activation activation, Dims shape, bool gated)
    {
        _after = new PostOpRunner<float>(PostOps.None with { Activation = activation });
        (_length, _pixels) = (shape.Product, Math.Max(1, shape.Slice(2).Product));
        _block = gated ? checked((int)shape[1]) : BlockLength;
        Parts = (_length + _block - 1) / _block;
        Elements = _length;
    }

    public float* Source { get; set; }

    public float* Gate { get; set; }

    public float* Addend { get; set; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
        {
            long at = part * _block;
            int count = (int)Math.Min(_block, _length - at);
            ReadOnlySpan<float> x = new(Source + at, count);
            var y = new Span<float>(Target + at, count);
            if (Gate != null) TensorPrimitives.Multiply(x, new ReadOnlySpan<float>(Gate + (part / _pixels * _block), count), y);
            else if (Addend == null) x.CopyTo(y);
            if (Addend != null) TensorPrimitives.Add(Gate != null ? y : x, new ReadOnlySpan<float>(Addend + at, count), y);
            if (!_after.IsNone) _after.Apply(Target + at, null, count);
        }
    }
}

/// <summary>Channels-first to channels-last, back, or a plain copy; a part is a channel's or a pixel's row of an image.</summary>
internal sealed unsafe class ReorderNeighbour : Neighbour
{
    private readonly long _channels;
    private readonly long _pixels;
    private readonly bool _copy;
    private readonly bool _toLast;

    public ReorderNeighbour(Dims shape, Layout from, Layout to)
    {
        (_channels, _pixels) = (shape[1], shape.Slice(2).Product);
        (_copy, _toLast) = (from == to, to == Layout.ChannelsLast);
        Parts = shape[0] * (_toLast ? _pixels : _channels);
        Elements = shape.Product;
    }

    public float* Source { get; set; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        // The target is written in order; the source, read with a step, stays in the cache for the next parts.
        long rows = _toLast ? _pixels : _channels, length = _toLast ? _channels : _pixels;
        for (long part = from; part < to; part++)
        {
            (long n, long row) = Math.DivRem(part, rows);
            float* y = Target + (part * length), x = Source + (n * rows * length);
            if (_copy) new ReadOnlySpan<float>(x + (row * length), checked((int)length)).CopyTo(new Span<float>(y, (int)length));
            else for (long i = 0; i < length; i++) y[i] = x[(i * rows) + row];
        }
    }
}
