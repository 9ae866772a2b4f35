using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Neighbours;

/// <summary>Max or mean of windows; a part is a row of results, each a loop over its window in vectors of channels.</summary>
internal sealed unsafe class PoolNeighbour : Neighbour
{
    private readonly bool _isMax;
    private readonly int _channels;
    private readonly (int From, int To)[][] _ranges;
    private readonly long _inputRows;
    private readonly nint _rowStep;
    private readonly nint _planeStep;

    public PoolNeighbour(PoolWindow window, Dims input, Dims output)
    {
        _isMax = window.Kind == PoolKind.Max;
        _channels = checked((int)input[1]);
        var axes = new PoolAxes(window, input, output);
        _ranges = [Ranges(0), Ranges(1), Ranges(2)];
        _inputRows = input.Slice(2).Product;
        _rowStep = checked((nint)(axes.Input[2] * _channels));
        _planeStep = checked((nint)(axes.Input[1] * _rowStep));
        Parts = output[0] * axes.Output[0] * axes.Output[1];
        Elements = Math.Max(input.Product, output.Product);

        (int, int)[] Ranges(int axis)
        {
            var ranges = new (int, int)[axes.Output[axis]];
            for (int i = 0; i < ranges.Length; i++)
            {
                (long from, long to) = axes.Range(axis, i);
                ranges[i] = (checked((int)from), checked((int)to));
            }

            return ranges;
        }
    }

    private interface IReduction
    {
        static abstract float Start { get; }

        static abstract Vector<float> Of(Vector<float> sum, Vector<float> x);

        static abstract float Of(float sum, float x);

        static abstract Vector<float> Finish(Vector<float> sum, float count);
    }

    public float* Source { get; set; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        if (_isMax) Rows<Largest>(from, to);
        else Rows<Mean>(from, to);
    }

    private void Rows<TReduction>(long from, long to)
        where TReduction : struct, IReduction
    {
        (int From, int To)[] columns = _ranges[2];
        for (long part = from; part < to; part++)
        {
            (long rest, long h) = Math.DivRem(part, _ranges[1].Length);
            (long n, long d) = Math.DivRem(rest, _ranges[0].Length);
            (int d0, int d1) = _ranges[0][d];
            (int h0, int h1) = _ranges[1][h];
            float* x = Source + (n * _inputRows * _channels) + (d0 * _planeStep) + (h0 * _rowStep), y = Target + (part * columns.Length * _channels);
            foreach ((int w0, int w1) in columns)
            {
                Window<TReduction>(x + ((nint)w0 * _channels), y, d1 - d0, h1 - h0, w1 - w0);
                y += _channels;
            }
        }
    }

    private void Window<TReduction>(float* x, float* y, int depth, int height, int width)
        where TReduction : struct, IReduction
    {
        int c = 0, lanes = Vector<float>.Count, channels = _channels;
        float count = (float)depth * height * width;
        for (; c + (4 * lanes) <= channels; c += 4 * lanes)
        {
            Vector<float> s0 = new(TReduction.Start), s1 = s0, s2 = s0, s3 = s0;
            for (int i = 0; i < depth; i++)
                for (int j = 0; j < height; j++)
                {
                    float* tap = x + (i * _planeStep) + (j * _rowStep) + c;
                    for (int k = 0; k < width; k++, tap += channels)
                    {
                        s0 = TReduction.Of(s0, Vector.Load(tap));
                        s1 = TReduction.Of(s1, Vector.Load(tap + lanes));
                        s2 = TReduction.Of(s2, Vector.Load(tap + (2 * lanes)));
                        s3 = TReduction.Of(s3, Vector.Load(tap + (3 * lanes)));
                    }
                }

            TReduction.Finish(s0, count).Store(y + c);
            TReduction.Finish(s1, count).Store(y + c + lanes);
            TReduction.Finish(s2, count).Store(y + c + (2 * lanes));
            TReduction.Finish(s3, count).Store(y + c + (3 * lanes));
        }

        while (c < channels && channels >= lanes)
        {
            // The last vector ends with the pixel; what it computes twice is the same.
            int at = Math.Min(c, channels - lanes);
            Vector<float> s = new(TReduction.Start);
            for (int i = 0; i < depth; i++)
                for (int j = 0; j < height; j++)
                {
                    float* tap = x + (i * _planeStep) + (j * _rowStep) + at;
                    for (int k = 0; k < width; k++, tap += channels) s = TReduction.Of(s, Vector.Load(tap));
                }

            TReduction.Finish(s, count).Store(y + at);
            c += lanes;
        }

        for (; c < channels; c++)
        {
            float s = TReduction.Start;
            for (int i = 0; i < depth; i++)
                for (int j = 0; j < height; j++)
                    for (int k = 0; k < width; k++) s = TReduction.Of(s, x[(i * _planeStep) + (j * _rowStep) + ((nint)k * channels) + c]);
            y[c] = TReduction.Finish(new Vector<float>(s), count)[0];
        }
    }

    private readonly struct Largest : IReduction
    {
        public static float Start => float.NegativeInfinity;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> sum, Vector<float> x) => Vector.Max(sum, x);

        public static float Of(float sum, float x) => MathF.Max(sum, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Finish(Vector<float> sum, float count) => sum;
    }

    private readonly struct Mean : IReduction
    {
        public static float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> sum, Vector<float> x) => sum + x;

        public static float Of(float sum, float x) => sum + x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Finish(Vector<float> sum, float count) => sum / new Vector<float>(count);
    }
}
