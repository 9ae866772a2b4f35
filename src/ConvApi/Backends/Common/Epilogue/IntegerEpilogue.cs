using System.Numerics;
using System.Numerics.Tensors;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Common.Threads;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Epilogue;

/// <summary>
/// What follows the integer sums of an 8-bit convolution, in double: corrections for zero points, bias, scales, post-ops, rounding
/// half to even, output zero point, saturation. Sums are <typeparamref name="T"/> in the output's layout, each an exact integer; they are used up.
/// </summary>
internal sealed unsafe class IntegerEpilogue<T> : IParallelWork, IDisposable
    where T : unmanaged, INumber<T>
{
    // Elements that stay in the first-level cache between the passes over them.
    private const int Chunk = 1024;
    private const long OneThreadWork = 20_000;

    private readonly ConvProblem _p;
    private readonly Quantization _q;
    private readonly bool _last;
    private readonly long _channels;
    private readonly long _plane;
    private readonly int _rows;
    private readonly int _length;
    private readonly long _blocks;
    private readonly double[] _bias;
    private readonly double[] _factor;
    private readonly double[] _unit;
    private readonly int[] _zero;
    private AlignedBuffer _scratch;
    private readonly bool _scales;
    private readonly IntegerScaler _scaler;
    private readonly int _threads;
    private T* _sums;
    private T* _window;
    private T* _constant;
    private byte* _residual;
    private byte* _result;

    /// <param name="p">The problem; its output layout must not be any.</param>
    /// <param name="threads">Most threads.</param>
    /// <param name="weightOffset">What was subtracted from the stored weights before they were multiplied, and so from their zero points.</param>
    public IntegerEpilogue(ConvProblem p, int threads, int weightOffset)
    {
        (_p, _q) = (p, p.Quantization ?? Quantization.None);
        _last = p.OutputLayout == Layout.ChannelsLast;
        (_channels, _plane) = (p.OutputChannels, p.OutputSpatial.Product);
        _rows = _last ? (int)Math.Clamp(Chunk / _channels, 1, _plane) : 1;
        _length = checked((int)(_last ? _rows * _channels : Math.Min(Chunk, _plane)));
        _blocks = _last ? (_plane + _rows - 1) / _rows : _channels;
        int pattern = checked((int)(_last ? _length : _channels));
        (_bias, _factor, _unit, _zero) = (new double[pattern], new double[pattern], new double[pattern], new int[pattern]);
        for (int i = 0; i < pattern; i++)
        {
            long o = i % _channels;
            _factor[i] = _q.InputScale * _q.WeightScale(o) / _q.OutputScale;
            _unit[i] = _q.InputScale * _q.WeightScale(o);
            _zero[i] = _q.WeightZeroPoint(o) - weightOffset;
        }

        _scales = (typeof(T) == typeof(int) || typeof(T) == typeof(float)) && IntegerScaler.Serves(p);
        _scaler = new IntegerScaler(p);
        _threads = p.OutputShape.Product < OneThreadWork ? 1 : Math.Min(threads, WorkerPool.Shared.MaxThreads);
        _scratch = new AlignedBuffer(2L * _threads * _length * sizeof(double));
    }

    /// <summary>Takes the s32 bias, or null.</summary>
    public void SetBias(int* bias)
    {
        for (int i = 0; i < _bias.Length; i++) _bias[i] = bias == null ? 0 : bias[i % _channels];
    }

    /// <summary>
    /// Finishes the sums. <paramref name="window"/>: for each position and group the sum of the (zero-point free) inputs that the
    /// kernel covers, layout as the output with G channels, or null; <paramref name="constant"/>: one image that is taken off every
    /// image of sums, or null.
    /// </summary>
    public void Run(T* sums, T* window, T* constant, void* residual, void* result)
    {
        _sums = sums;
        _window = window;
        _constant = constant;
        _residual = (byte*)residual;
        _result = (byte*)result;
        WorkerPool.Shared.Run(this, _p.Batch * _blocks, _threads);
    }

    public void DoParts(long from, long to, int worker)
    {
        double* v = (double*)_scratch.Pointer + (2L * worker * _length);
        for (long part = from; part < to; part++)
        {
            long n = part / _blocks, block = part % _blocks, image = n * _channels * _plane;
            if (_last)
            {
                long row = block * _rows, rows = Math.Min(_rows, _plane - row);
                Finish(v, image, row * _channels, (int)(rows * _channels), n, row, 0);
                continue;
            }

            for (long at = 0; at < _plane; at += _length)
                Finish(v, image, (block * _plane) + at, (int)Math.Min(_length, _plane - at), n, at, (int)block);
        }
    }

    /// <summary>For a run beside others: shares bias and scales, has memory of its own.</summary>
    public IntegerEpilogue<T> Fork()
    {
        var lane = (IntegerEpilogue<T>)MemberwiseClone();
        lane._scratch = new AlignedBuffer(_scratch.Bytes);
        return lane;
    }

    public void Dispose() => _scratch.Dispose();

    private void Finish(double* v, long image, long offset, int count, long n, long position, int channel)
    {
        if (_scales && _window == null)
        {
            int size = _p.OutputType.SizeOf();
            long at = image + offset;

            // As wide as they are, and not needed any more.
            if (typeof(T) == typeof(float))
                TensorPrimitives.ConvertToIntegerNative(new ReadOnlySpan<float>((float*)_sums + at, count), new Span<int>((int*)_sums + at, count));
            int* constant = _constant == null ? null : (int*)_constant + offset;
            fixed (double* bias = &_bias[_last ? 0 : channel], factor = &(_p.PostOps.IsNone ? _factor : _unit)[_last ? 0 : channel])
                _scaler.Run((int*)_sums + at, constant, bias, factor, !_last, _residual + (at * size), _result + (at * size), count);
            return;
        }

        var values = new Span<double>(v, count);
        TensorPrimitives.ConvertTruncating(new ReadOnlySpan<T>(_sums + image + offset, count), values);
        if (_constant != null)
        {
            var taken = new Span<double>(v + _length, count);
            TensorPrimitives.ConvertTruncating(new ReadOnlySpan<T>(_constant + offset, count), taken);
            TensorPrimitives.Subtract(values, taken, values);
        }

        if (_window != null) Windows(v, count, n, position, channel);
        if (_last) TensorPrimitives.Add(values, _bias.AsSpan(0, count), values);
        else TensorPrimitives.Add(values, _bias[channel], values);
        if (!_p.PostOps.IsNone) PostOps(v, image + offset, count, channel);
        else if (_last) TensorPrimitives.Multiply(values, _factor.AsSpan(0, count), values);
        else TensorPrimitives.Multiply(values, _factor[channel], values);
        Store(v, image + offset, count);
    }

    private void Windows(double* v, int count, long n, long position, int channel)
    {
        long perGroup = _channels / _p.Groups;
        if (!_last)
        {
            T* window = _window + ((((n * _p.Groups) + (channel / perGroup)) * _plane) + position);
            double zero = _zero[channel];
            for (int i = 0; i < count; i++) v[i] -= zero * double.CreateTruncating(window[i]);
            return;
        }

        T* rows = _window + (((n * _plane) + position) * _p.Groups);
        for (int i = 0; i < count; i++) v[i] -= _zero[i] * double.CreateTruncating(rows[(i / _channels * _p.Groups) + (i % _channels / perGroup)]);
    }

    private void PostOps(double* v, long at, int count, int channel)
    {
        PostOps ops = _p.PostOps;
        double scale = ops.OutputScale ?? 1;
        for (int i = 0; i < count; i++)
        {
            double x = v[i] * _unit[_last ? i : channel];
            if (ops.Residual) x += (Load(_residual, at + i) - _q.OutputZeroPoint) * _q.OutputScale * ops.ResidualScale;
            v[i] = Activations.Apply(ops.Activation, x) * scale / _q.OutputScale;
        }
    }

    private double Load(byte* p, long i) => _p.OutputType switch
    {
        DataType.F32 => ((float*)p)[i],
        DataType.F64 => ((double*)p)[i],
        DataType.F16 => (double)((Half*)p)[i],
        DataType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)p)[i] << 16),
        DataType.S8 => ((sbyte*)p)[i],
        DataType.U8 => p[i],
        _ => ((int*)p)[i],
    };

    private void Store(double* v, long at, int count)
    {
        var values = new Span<double>(v, count);
        switch (_p.OutputType)
        {
            case DataType.F32: TensorPrimitives.ConvertTruncating(values, new Span<float>((float*)_result + at, count)); return;
            case DataType.F64: values.CopyTo(new Span<double>((double*)_result + at, count)); return;
            case DataType.F16: TensorPrimitives.ConvertTruncating(values, new Span<Half>((Half*)_result + at, count)); return;
            case DataType.BF16:
                for (int i = 0; i < count; i++) ((ushort*)_result)[at + i] = HalfPrecision.BFloat16((float)v[i]);
                return;
        }

        (double least, double most) = _p.OutputType switch { DataType.S8 => (-128.0, 127.0), DataType.U8 => (0.0, 255.0), _ => (int.MinValue, int.MaxValue) };
        TensorPrimitives.Round(values, MidpointRounding.ToEven, values);
        if (_q.OutputZeroPoint != 0) TensorPrimitives.Add(values, _q.OutputZeroPoint, values);
        TensorPrimitives.Clamp(values, least, most, values);
        switch (_p.OutputType)
        {
            case DataType.S8:
                for (int i = 0; i < count; i++) ((sbyte*)_result)[at + i] = (sbyte)v[i];
                return;
            case DataType.U8:
                for (int i = 0; i < count; i++) _result[at + i] = (byte)v[i];
                return;
            default:
                TensorPrimitives.ConvertTruncating(values, new Span<int>((int*)_result + at, count));
                return;
        }
    }
}
