using System.Numerics.Tensors;
using ConvNative.Backends.Common;
using ConvNative.Backends.Managed;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>What stands between convolutions, on channels-last f32 tensors; parts are rows of pixels, so no two threads write one element.</summary>
internal abstract unsafe class Neighbour : IParallelWork
{
    /// <summary>Number of independent parts.</summary>
    protected long Parts { get; init; }

    /// <inheritdoc/>
    public abstract void DoParts(long from, long to, int worker);

    /// <summary>Runs all parts.</summary>
    public void Run(int threads) => WorkerPool.Shared.Run(this, Parts, threads);
}

/// <summary>Max or mean of windows.</summary>
internal sealed unsafe class PoolNeighbour : Neighbour
{
    private readonly PoolWindow _window;
    private readonly int _channels;
    private readonly PoolAxes _axes;
    private readonly long _inputRows;

    public PoolNeighbour(PoolWindow window, Dims input, Dims output)
    {
        _window = window;
        _channels = checked((int)input[1]);
        _axes = new PoolAxes(window, input, output);
        _inputRows = input.Slice(2).Product;
        Parts = output[0] * _axes.Output[0] * _axes.Output[1];
    }

    public float* Source { get; set; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        int c = _channels;
        long[] inputs = _axes.Input, outputs = _axes.Output;
        for (long part = from; part < to; part++)
        {
            (long rest, long h) = Math.DivRem(part, outputs[1]);
            (long n, long d) = Math.DivRem(rest, outputs[0]);
            float* y = Target + (part * outputs[2] * c), x = Source + (n * _inputRows * c);
            (long d0, long d1) = _axes.Range(0, d);
            (long h0, long h1) = _axes.Range(1, h);
            for (long w = 0; w < outputs[2]; w++, y += c)
            {
                (long w0, long w1) = _axes.Range(2, w);
                var target = new Span<float>(y, c);
                bool first = true;
                for (long i = d0; i < d1; i++)
                    for (long j = h0; j < h1; j++)
                        for (long k = w0; k < w1; k++)
                        {
                            var tap = new ReadOnlySpan<float>(x + ((((i * inputs[1]) + j) * inputs[2]) + k) * c, c);
                            if (first) tap.CopyTo(target);
                            else if (_window.Kind == PoolKind.Max) TensorPrimitives.Max(target, tap, target);
                            else TensorPrimitives.Add(target, tap, target);
                            first = false;
                        }

                if (_window.Kind == PoolKind.Average) TensorPrimitives.Divide(target, (d1 - d0) * (h1 - h0) * (w1 - w0), target);
            }
        }
    }
}

/// <summary>Copies each pixel's channels behind one another.</summary>
internal sealed unsafe class ConcatNeighbour : Neighbour
{
    private readonly int[] _channels;
    private readonly int _all;

    public ConcatNeighbour(int[] channels, long pixels)
    {
        (_channels, _all) = (channels, channels.Sum());
        Sources = new nint[channels.Length];
        Parts = pixels;
    }

    public nint[] Sources { get; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        int at = 0;
        for (int s = 0; s < Sources.Length; at += _channels[s++])
        {
            int c = _channels[s];
            float* x = (float*)Sources[s];
            for (long p = from; p < to; p++) new ReadOnlySpan<float>(x + (p * c), c).CopyTo(new Span<float>(Target + (p * _all) + at, c));
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
