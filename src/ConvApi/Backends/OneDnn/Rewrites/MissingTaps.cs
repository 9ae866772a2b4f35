using ConvNative.Backends.Common.Epilogue;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Rewrites;

/// <summary>
/// oneDNN's kernels multiply the zeros that stand for padding, and 0 * Inf is NaN where padding must not tell. So with operands that
/// are not finite the elements that lack a tap are computed again, by our own loops over the taps that exist: of a forward or data
/// direction those in channels whose weights are not finite, of a gradient of the weights those that came out not finite. Holds
/// copies; immutable, so that any number of runs may use it at once.
/// </summary>
internal sealed unsafe class MissingTaps
{
    private readonly ConvProblem _p;
    private readonly TapWindow _window;
    private readonly int[] _channels;
    private readonly float[] _weights;
    private readonly float[] _bias;

    private MissingTaps(ConvProblem p, TapWindow window, void* weights, void* bias, int[] channels)
    {
        (_p, _window, _channels) = (p, window, channels);
        int sources = window.Sources, taps = window.Taps;
        Strides5 s = Strides5.Of(p.WeightShape, p.WeightLayout);
        _weights = new float[checked((long)channels.Length * sources * taps)];
        for (int i = 0; i < channels.Length; i++)
            for (int k = 0; k < taps; k++)
                for (int c = 0; c < sources; c++)
                    _weights[(((long)i * taps) + k) * sources + c] = Elements.Read(weights, window.WeightOffset(s, channels[i], c, k), p.WeightType);
        _bias = new float[bias == null ? 0 : channels.Length];
        for (int i = 0; i < _bias.Length; i++) _bias[i] = Elements.Read(bias, channels[i], p.BiasType);
    }

    /// <summary>What is to be computed again after each run with these weights, or null: they are finite, or no element lacks a tap.</summary>
    /// <param name="p">A forward or data direction whose activations' layouts are decided.</param>
    /// <param name="weights">As the caller gave them, not flipped.</param>
    /// <param name="bias">Null without one.</param>
    public static MissingTaps? For(ConvProblem p, void* weights, void* bias)
    {
        if (Elements.FirstNotFinite(weights, p.WeightCount, p.WeightType) < 0) return null;
        var window = new TapWindow(p);
        if (window.IsWhole) return null;
        Strides5 s = Strides5.Of(p.WeightShape, p.WeightLayout);
        int[] channels = [.. Enumerable.Range(0, window.Destinations).Where(IsBad)];
        return new MissingTaps(p, window, weights, p.Direction == Direction.Forward ? bias : null, channels);

        bool IsBad(int channel)
        {
            for (int k = 0; k < window.Taps; k++)
                for (int c = 0; c < window.Sources; c++)
                    if (!float.IsFinite(Elements.Read(weights, window.WeightOffset(s, channel, c, k), p.WeightType))) return true;
            return false;
        }
    }

    /// <summary>Channels of the result whose weights are not finite.</summary>
    public int Channels => _channels.Length;

    /// <summary>Computes again what lacks taps; <paramref name="residual"/> is what was added, null without one. Allocates.</summary>
    public void Mend(void* source, void* residual, void* result, int threads)
    {
        (nint from, nint added, nint to) = ((nint)source, (nint)residual, (nint)result);
        Parallel.For(0L, _p.Batch * _channels.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            Plane((void*)from, (void*)added, (void*)to, part / _channels.Length, (int)(part % _channels.Length)));
    }

    /// <summary>
    /// True where a gradient of the weights may have met a missing tap's zero with something infinite: it is not finite. Looks at the operands
    /// (in any layout) instead where they are smaller.
    /// </summary>
    public static bool MayTouch(ConvProblem p, void* input, long inputBytes, void* outputGradient, long outputBytes, void* gradient)
    {
        long inputs = inputBytes / p.InputType.SizeOf(), outputs = outputBytes / p.OutputType.SizeOf();
        if (inputs + outputs < p.WeightCount && Elements.FirstNotFinite(input, inputs, p.InputType) < 0 && Elements.FirstNotFinite(outputGradient, outputs, p.OutputType) < 0) return false;
        return Elements.FirstNotFinite(gradient, p.WeightCount, p.WeightType) >= 0;
    }

    /// <summary>Computes the elements of a gradient of the weights again that are not finite. Allocates.</summary>
    public static void MendWeights(ConvProblem p, void* input, void* outputGradient, void* gradient, int threads)
    {
        var window = new TapWindow(p);
        bool transposed = p.Op == ConvOp.Transposed;
        (nint big, nint small, nint to) = transposed ? ((nint)outputGradient, (nint)input, (nint)gradient) : ((nint)input, (nint)outputGradient, (nint)gradient);
        (DataType bigType, DataType smallType) = transposed ? (p.OutputType, p.InputType) : (p.InputType, p.OutputType);
        Strides5 s = Strides5.Of(p.WeightShape, p.WeightLayout);
        Parallel.For(0, (int)p.WeightShape[0], new ParallelOptions { MaxDegreeOfParallelism = threads }, first =>
        {
            for (int second = 0; second < p.WeightShape[1]; second++)
                for (int k = 0; k < window.Taps; k++)
                {
                    long at = window.WeightOffset(s, first, second, k);
                    if (float.IsFinite(Elements.Read((void*)to, at, p.WeightType))) continue;
                    Elements.Write((void*)to, at, p.WeightType, window.GradientSum((void*)small, smallType, (void*)big, bigType, first, second, k));
                }
        });
    }

    private void Plane(void* source, void* residual, void* result, long n, int index)
    {
        int channel = _channels[index];
        DataType from = _p.Direction == Direction.Forward ? _p.InputType : _p.OutputType, to = _p.ResultType;
        PostOps post = _p.Direction == Direction.Forward ? _p.PostOps : PostOps.None;
        for (int d = 0; d < _window.Size(0); d++)
            for (int h = 0; h < _window.Size(1); h++)
                for (int w = 0; w < _window.Size(2); w++)
                {
                    if (_window.HasAll(d, h, w)) continue;
                    long at = _window.ResultOffset(n, channel, d, h, w);
                    double sum = Sum(source, from, n, index, d, h, w);
                    if (_bias.Length > 0) sum += _bias[index];
                    if (residual != null) sum += post.ResidualScale * Elements.Read(residual, at, to);
                    sum = Activations.Apply(post.Activation, sum) * (post.OutputScale ?? 1);
                    Elements.Write(result, at, to, sum);
                }
    }

    private double Sum(void* source, DataType type, long n, int index, int d, int h, int w)
    {
        double sum = 0;
        int sources = _window.Sources;
        for (int k = 0; k < _window.Taps; k++)
        {
            long at = _window.SourceOffset(n, _channels[index], d, h, w, k);
            if (at < 0) continue;
            long f = (((long)index * _window.Taps) + k) * sources;
            for (int c = 0; c < sources; c++) sum += (double)Elements.Read(source, at + (c * _window.SourceStep), type) * _weights[f + c];

            // A NaN stays one.
            if (double.IsNaN(sum)) break;
        }

        return sum;
    }
}
