using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// The padded copy that serves engines without padding modes: extends an input by reflect, symmetric, replicate, circular or
/// constant padding, and folds a gradient of the extended input back (the adjoint). No allocation after construction.
/// </summary>
internal sealed unsafe class InputExtension
{
    private readonly long _outer;
    private readonly long _inner;
    private readonly int[][] _maps;
    private readonly long[] _input;
    private readonly long[] _extended;
    private readonly DataType _type;
    private readonly ulong _constant;
    private readonly long _begin;
    private readonly long _middle;

    /// <summary>Extends the spatial axes of <paramref name="p"/>'s input by <paramref name="begin"/> and <paramref name="end"/>; a negative end crops.</summary>
    public InputExtension(ConvProblem p, Dims begin, Dims end)
    {
        bool last = p.InputLayout == Layout.ChannelsLast;
        _outer = last ? p.Batch : p.Batch * p.InputChannels;
        _inner = last ? p.InputChannels : 1;
        _type = p.InputType;
        _constant = Bits(p.PaddingMode == PaddingMode.Constant ? p.PadValue : p.Quantization?.InputZeroPoint ?? 0, p.InputType);
        int rank = p.Rank;
        _begin = begin[rank - 1];
        _maps = new int[3][];
        _input = [1, 1, 1];
        _extended = [1, 1, 1];
        _maps[0] = _maps[1] = _maps[2] = [0];
        for (int i = 0; i < rank; i++)
        {
            int a = 3 - rank + i;
            long size = p.InputShape[i + 2];
            _input[a] = size;
            _extended[a] = begin[i] + size + end[i];
            MemoryBudget.Take((Int128)_extended[a] * sizeof(int));
            _maps[a] = new int[_extended[a]];
            for (long e = 0; e < _extended[a]; e++) _maps[a][e] = (int)Source(e - begin[i], size, p.PaddingMode);
        }

        _middle = Math.Min(_input[2], _extended[2] - _begin);
        Shape = Dims.Create(_extended.AsSpan(3 - rank)).Prepend(p.Batch, p.InputChannels);
    }

    /// <summary>Shape of the extended input, <c>[N, C, ...]</c>, in the input's layout.</summary>
    public Dims Shape { get; }

    public long Bytes => checked(Shape.Product * _type.SizeOf());

    /// <summary>Source index of an extended position, or -1 for constant padding.</summary>
    public static long Source(long i, long size, PaddingMode mode)
    {
        if (i >= 0 && i < size) return i;
        switch (mode)
        {
            case PaddingMode.Replicate:
                return i < 0 ? 0 : size - 1;
            case PaddingMode.Circular:
                return ((i % size) + size) % size;
            case PaddingMode.Reflect:
                if (size == 1) return 0;
                long period = 2 * (size - 1);
                long r = ((i % period) + period) % period;
                return r < size ? r : period - r;
            case PaddingMode.Symmetric:
                long twice = 2 * size;
                long q = ((i % twice) + twice) % twice;
                return q < size ? q : twice - 1 - q;
            default:
                return -1;
        }
    }

    public void Extend(void* input, void* extended)
    {
        switch (_type.SizeOf())
        {
            case 8: Copy((ulong*)input, (ulong*)extended, _constant); break;
            case 4: Copy((uint*)input, (uint*)extended, (uint)_constant); break;
            case 2: Copy((ushort*)input, (ushort*)extended, (ushort)_constant); break;
            default: Copy((byte*)input, (byte*)extended, (byte)_constant); break;
        }
    }

    /// <summary>Adds every extended element's gradient to the element that it came from; f32.</summary>
    public void Fold(float* extended, float* input)
    {
        NativeMemory.Clear(input, checked((nuint)(_outer * _input[0] * _input[1] * _input[2] * _inner * sizeof(float))));
        for (long o = 0; o < _outer; o++)
            for (long d = 0; d < _extended[0]; d++)
                for (long h = 0; h < _extended[1]; h++)
                {
                    int sd = _maps[0][d], sh = _maps[1][h];
                    float* row = extended + ((((o * _extended[0]) + d) * _extended[1]) + h) * _extended[2] * _inner;
                    if (sd < 0 || sh < 0) continue;
                    float* to = input + ((((o * _input[0]) + sd) * _input[1]) + sh) * _input[2] * _inner;
                    for (long w = 0; w < _extended[2]; w++)
                    {
                        int sw = _maps[2][w];
                        if (sw < 0) continue;
                        for (long c = 0; c < _inner; c++) to[(sw * _inner) + c] += row[(w * _inner) + c];
                    }
                }
    }

    private void Copy<T>(T* input, T* extended, T constant)
        where T : unmanaged
    {
        for (long o = 0; o < _outer; o++)
            for (long d = 0; d < _extended[0]; d++)
                for (long h = 0; h < _extended[1]; h++)
                {
                    int sd = _maps[0][d], sh = _maps[1][h];
                    T* to = extended + ((((o * _extended[0]) + d) * _extended[1]) + h) * _extended[2] * _inner;
                    if (sd < 0 || sh < 0)
                    {
                        Fill(to, _extended[2] * _inner, constant);
                        continue;
                    }

                    T* row = input + ((((o * _input[0]) + sd) * _input[1]) + sh) * _input[2] * _inner;
                    for (long w = 0; w < _extended[2]; w++)
                    {
                        int sw = _maps[2][w];
                        if (w == _begin)
                        {
                            NativeMemory.Copy(row, to + (w * _inner), (nuint)(_middle * _inner * sizeof(T)));
                            w += _middle - 1;
                            continue;
                        }

                        if (sw < 0) Fill(to + (w * _inner), _inner, constant);
                        else NativeMemory.Copy(row + (sw * _inner), to + (w * _inner), (nuint)(_inner * sizeof(T)));
                    }
                }
    }

    private static void Fill<T>(T* to, long count, T value)
        where T : unmanaged
    {
        for (long i = 0; i < count; i++) to[i] = value;
    }

    /// <summary>The bits of <paramref name="value"/> as an element of <paramref name="type"/>.</summary>
    public static ulong Bits(double value, DataType type) => type switch
    {
        DataType.F64 => BitConverter.DoubleToUInt64Bits(value),
        DataType.F32 => BitConverter.SingleToUInt32Bits((float)value),
        DataType.F16 => BitConverter.HalfToUInt16Bits((Half)value),
        DataType.BF16 => HalfPrecision.BFloat16((float)value),
        DataType.S8 => (byte)(sbyte)Math.Clamp(Math.Round(value), -128, 127),
        DataType.U8 => (byte)Math.Clamp(Math.Round(value), 0, 255),
        _ => (uint)(int)value,
    };
}
