using ConvNative.Backends.Common.Threads;
using ConvNative.Graphs.Catalog;
using ConvNative.Graphs.Neighbours;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// What a pooling passes back: a maximum's gradient to the first of the largest elements, a mean's in equal parts. Channels-last; a part is an
/// image's block of channels, so that windows that overlap are added by one thread.
/// </summary>
internal sealed unsafe class PoolGradient : IParallelWork
{
    private const int Block = 32;
    private readonly PoolWindow _window;
    private readonly PoolAxes _axes;
    private readonly int _channels;
    private readonly long _batch;
    private float* _x;
    private float* _dy;
    private float* _dx;

    public PoolGradient(PoolWindow window, Dims input, Dims output)
    {
        _window = window;
        (_batch, _channels) = (input[0], checked((int)input[1]));
        _axes = new PoolAxes(window, input, output);
    }

    private long Blocks => (_channels + Block - 1) / Block;

    public void Run(float* x, float* dy, float* dx, int threads)
    {
        _x = x;
        _dy = dy;
        _dx = dx;
        WorkerPool.Shared.Run(this, _batch * Blocks, threads);
    }

    public void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
        {
            (long n, long block) = Math.DivRem(part, Blocks);
            int first = (int)block * Block;
            Image(n, first, Math.Min(Block, _channels - first));
        }
    }

    private void Image(long n, int first, int count)
    {
        long[] input = _axes.Input, output = _axes.Output;
        long inputs = input[0] * input[1] * input[2], outputs = output[0] * output[1] * output[2];
        float* x = _x + (n * inputs * _channels) + first, dx = _dx + (n * inputs * _channels) + first, dy = _dy + (n * outputs * _channels) + first;
        for (long i = 0; i < inputs; i++) new Span<float>(dx + (i * _channels), count).Clear();
        for (long o = 0; o < outputs; o++, dy += _channels)
        {
            (long rest, long w) = Math.DivRem(o, output[2]);
            (long d, long h) = Math.DivRem(rest, output[1]);
            (long d0, long d1) = _axes.Range(0, d);
            (long h0, long h1) = _axes.Range(1, h);
            (long w0, long w1) = _axes.Range(2, w);
            for (int c = 0; c < count; c++)
            {
                long top = -1;
                float share = dy[c] / ((d1 - d0) * (h1 - h0) * (w1 - w0));
                for (long i = d0; i < d1; i++)
                    for (long j = h0; j < h1; j++)
                        for (long k = w0; k < w1; k++)
                        {
                            long at = ((((i * input[1]) + j) * input[2]) + k) * _channels + c;
                            if (_window.Kind == PoolKind.Average) dx[at] += share;
                            else if (top < 0 || x[at] > x[top] || float.IsNaN(x[at])) top = at;
                        }

                if (top >= 0) dx[top] += dy[c];
            }
        }
    }
}
