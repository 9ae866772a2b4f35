using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Epilogue;

/// <summary>
/// The usual ends of an 8-bit convolution in one pass over its s32 sums: bias, scales, residual, an activation that only limits, rounding
/// half to even, zero point, saturation. In double and in the order of the definition, so the answer is the exact one.
/// </summary>
internal readonly unsafe struct IntegerScaler
{
    private const int Step = 16;

    private readonly DataType _type;
    private readonly bool _plain;
    private readonly bool _residual;
    private readonly double _residualZero;
    private readonly double _outputScale;
    private readonly double _residualScale;
    private readonly double _low;
    private readonly double _high;
    private readonly double _scale;
    private readonly double _zero;
    private readonly double _least;
    private readonly double _most;

    public IntegerScaler(ConvProblem p)
    {
        Quantization q = p.Quantization ?? Quantization.None;
        PostOps ops = p.PostOps;
        _type = p.OutputType;
        _plain = ops.IsNone;
        _residual = ops.Residual;
        (_residualZero, _outputScale, _residualScale, _scale, _zero) = (q.OutputZeroPoint, q.OutputScale, ops.ResidualScale, ops.OutputScale ?? 1, q.OutputZeroPoint);
        (_low, _high) = ops.Activation.Kind switch
        {
            ActivationKind.Relu => (0, double.PositiveInfinity),
            ActivationKind.Clip => (ops.Activation.Alpha, ops.Activation.Beta),
            _ => (double.NegativeInfinity, double.PositiveInfinity),
        };
        (_least, _most) = _type switch { DataType.S8 => (-128.0, 127.0), DataType.U8 => (0.0, 255.0), _ => (int.MinValue, int.MaxValue) };
    }

    /// <summary>True where this pass computes all that follows the sums of <paramref name="p"/>.</summary>
    public static bool Serves(ConvProblem p) =>
        Avx.IsSupported && (p.OutputType is DataType.U8 or DataType.S8 or DataType.F32 || (p.OutputType == DataType.S32 && !p.PostOps.Residual)) && p.PostOps.Activation.Kind is ActivationKind.None or ActivationKind.Relu or ActivationKind.Clip;

    /// <summary>
    /// Finishes <paramref name="count"/> sums; <paramref name="constant"/> (or null) is taken off them. Bias and factor (with post-ops: the
    /// sum's unit) are an array of an element each, or where <paramref name="one"/> is true a single one.
    /// </summary>
    public void Run(int* sums, int* constant, double* bias, double* factor, bool one, byte* residual, byte* to, int count)
    {
        int i = Vectors(sums, constant, bias, factor, one, residual, to, count);
        for (; i < count; i++) Tail(sums[i] - (constant == null ? 0.0 : constant[i]) + bias[one ? 0 : i], factor[one ? 0 : i], residual, to, i);
    }

    // A loop of its own, with all that it calls inlined: a vector that goes through memory costs more than the arithmetic.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Vectors(int* sums, int* constant, double* bias, double* factor, bool one, byte* residual, byte* to, int count)
    {
        int i = 0, size = _type.SizeOf();
        Vector512<double> b0 = Vector512.Create(*bias), b1 = b0, f0 = Vector512.Create(*factor), f1 = f0, r0 = Vector512<double>.Zero, r1 = r0;
        for (; i + Step <= count; i += Step)
        {
            if (!one)
            {
                b0 = Vector512.Load(bias + i);
                b1 = Vector512.Load(bias + i + 8);
                f0 = Vector512.Load(factor + i);
                f1 = Vector512.Load(factor + i + 8);
            }

            Vector512<double> c0 = b0, c1 = b1;
            if (constant != null)
            {
                c0 -= Doubles(Vector256.Load(constant + i));
                c1 -= Doubles(Vector256.Load(constant + i + 8));
            }

            Vector512<double> v0 = Real(sums + i, c0, f0), v1 = Real(sums + i + 8, c1, f1);
            if (_residual) (r0, r1) = Residual(residual + ((long)i * size));
            if (!_plain)
            {
                v0 = After(v0, r0);
                v1 = After(v1, r1);
            }

            Store(v0, v1, to + ((long)i * size));
        }

        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Real(int* sums, Vector512<double> bias, Vector512<double> factor) => (Doubles(Vector256.Load(sums)) + bias) * factor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<double> After(Vector512<double> v, Vector512<double> residual)
    {
        if (_residual) v += (residual - Vector512.Create(_residualZero)) * Vector512.Create(_outputScale) * Vector512.Create(_residualScale);
        // Only a residual of f32 can bring what is not finite; the native comparisons would lose a NaN.
        bool wild = _residual && _type == DataType.F32;
        v = wild
            ? Vector512.Min(Vector512.Max(v, Vector512.Create(_low)), Vector512.Create(_high))
            : Vector512.MinNative(Vector512.MaxNative(v, Vector512.Create(_low)), Vector512.Create(_high));
        v *= Vector512.Create(_scale);
        if (wild || !Fma.IsSupported) return v / Vector512.Create(_outputScale);

        // Markstein's theorem: with a correctly rounded reciprocal one correction makes the quotient correctly rounded.
        Vector512<double> reciprocal = Vector512.Create(1 / _outputScale), quotient = v * reciprocal;
        Vector512<double> rest = Vector512.FusedMultiplyAdd(Vector512.Create(-_outputScale), quotient, v);
        return Vector512.FusedMultiplyAdd(rest, reciprocal, quotient);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private (Vector512<double> Low, Vector512<double> High) Residual(byte* from)
    {
        if (_type == DataType.F32) return (Exact(Vector256.Load((float*)from)), Exact(Vector256.Load((float*)from + 8)));
        (Vector128<short> low, Vector128<short> high) = _type == DataType.S8
            ? Vector128.Widen(Vector128.Load((sbyte*)from))
            : Widened(Vector128.Load(from));
        return (Doubles(Ints(low)), Doubles(Ints(high)));

        static (Vector128<short> Low, Vector128<short> High) Widened(Vector128<byte> bytes)
        {
            (Vector128<ushort> l, Vector128<ushort> h) = Vector128.Widen(bytes);
            return (l.AsInt16(), h.AsInt16());
        }

        static Vector256<int> Ints(Vector128<short> v)
        {
            (Vector128<int> l, Vector128<int> h) = Vector128.Widen(v);
            return Vector256.Create(l, h);
        }

        static Vector512<double> Exact(Vector256<float> v)
        {
            (Vector256<double> l, Vector256<double> h) = Vector256.Widen(v);
            return Vector512.Create(l, h);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(Vector512<double> v0, Vector512<double> v1, byte* to)
    {
        if (_type == DataType.F32)
        {
            Singles(v0).Store((float*)to);
            Singles(v1).Store((float*)to + 8);
            return;
        }

        if (_type == DataType.S32)
        {
            Steps(v0).Store((int*)to);
            Steps(v1).Store((int*)to + 8);
            return;
        }

        Vector256<short> shorts = Vector256.Narrow(Steps(v0), Steps(v1));
        Vector128.Narrow(shorts.GetLower(), shorts.GetUpper()).AsByte().Store(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<int> Steps(Vector512<double> v)
    {
        v = Rounded(v) + Vector512.Create(_zero);
        v = Vector512.MinNative(Vector512.MaxNative(v, Vector512.Create(_least)), Vector512.Create(_most));
        return Avx512F.IsSupported ? Avx512F.ConvertToVector256Int32(v) : Vector256.Create(Avx.ConvertToVector128Int32(v.GetLower()), Avx.ConvertToVector128Int32(v.GetUpper()));
    }

    // Half to even. Vector512.Round is a call that goes through memory.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Rounded(Vector512<double> v) =>
        Avx512F.IsSupported ? Avx512F.RoundScale(v, 8) : Vector512.Create(Avx.RoundToNearestInteger(v.GetLower()), Avx.RoundToNearestInteger(v.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Doubles(Vector256<int> v) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512Double(v) : Vector512.Create(Avx.ConvertToVector256Double(v.GetLower()), Avx.ConvertToVector256Double(v.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Singles(Vector512<double> v) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector256Single(v) : Vector256.Create(Avx.ConvertToVector128Single(v.GetLower()), Avx.ConvertToVector128Single(v.GetUpper()));

    private void Tail(double sum, double factor, byte* residual, byte* to, long i)
    {
        double v = sum * factor;
        if (!_plain)
        {
            if (_residual)
            {
                double r = _type == DataType.F32 ? ((float*)residual)[i] : _type == DataType.S8 ? ((sbyte*)residual)[i] : residual[i];
                v += (r - _residualZero) * _outputScale * _residualScale;
            }

            v = Math.Min(Math.Max(v, _low), _high) * _scale / _outputScale;
        }

        if (_type == DataType.F32)
        {
            ((float*)to)[i] = (float)v;
            return;
        }

        int step = (int)Math.Clamp(Math.Round(v, MidpointRounding.ToEven) + _zero, _least, _most);
        if (_type == DataType.S32) ((int*)to)[i] = step;
        else to[i] = (byte)step;
    }
}
