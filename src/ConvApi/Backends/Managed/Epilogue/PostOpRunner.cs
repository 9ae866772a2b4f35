using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Epilogue;

/// <summary>Residual, activation and output scale, in place on contiguous results that already hold the sum with its bias.</summary>
internal readonly unsafe struct PostOpRunner<T>(PostOps ops)
    where T : unmanaged, INumber<T>
{
    private readonly T _residualScale = T.CreateTruncating(ops.ResidualScale);
    private readonly T _outputScale = T.CreateTruncating(ops.OutputScale ?? 1);
    private readonly T _alpha = T.CreateTruncating(ops.Activation.Alpha);
    private readonly T _beta = T.CreateTruncating(ops.Activation.Beta);

    private interface IFunction
    {
        Vector<T> Of(Vector<T> v);

        T Of(T v);
    }

    public bool IsNone => ops.IsNone;

    /// <summary>
    /// Whether it is a residual, relu or clip, which kernels apply while the sums are in registers: least and most value, and the residual's factor.
    /// </summary>
    public bool AreLimits(out T least, out T most, out T factor)
    {
        factor = _residualScale;
        (least, most) = ops.Activation.Kind switch
        {
            ActivationKind.Relu => (T.Zero, T.CreateTruncating(double.PositiveInfinity)),
            ActivationKind.Clip => (_alpha, _beta),
            _ => (T.CreateTruncating(double.NegativeInfinity), T.CreateTruncating(double.PositiveInfinity)),
        };
        return typeof(T) != typeof(int) && ops.OutputScale is null && !ops.IsNone && least <= most
            && ops.Activation.Kind is ActivationKind.None or ActivationKind.Relu or ActivationKind.Clip;
    }

    /// <summary>Finishes <paramref name="count"/> elements; <paramref name="residual"/> lies as they do, or is null.</summary>
    public void Apply(T* y, T* residual, int count)
    {
        switch (ops.Activation.Kind)
        {
            case ActivationKind.Relu:
                Pass(y, residual, count, new Above(T.Zero));
                break;
            case ActivationKind.Clip when _alpha <= _beta:
                Pass(y, residual, count, new Between(_alpha, _beta));
                break;
            default:
                if (residual != null) Pass(y, residual, count, default(Same));
                Activate(y, count);
                break;
        }

        if (ops.OutputScale is not null) TensorPrimitives.Multiply(new ReadOnlySpan<T>(y, count), _outputScale, new Span<T>(y, count));
    }

    // One pass, inlined: rows are often a few vectors long. Comparisons keep NaN, which minima and maxima do not on every processor.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Pass<TFunction>(T* y, T* residual, int count, TFunction f)
        where TFunction : struct, IFunction
    {
        int i = 0;
        if (residual == null)
        {
            for (; i + Vector<T>.Count <= count; i += Vector<T>.Count) f.Of(Vector.Load(y + i)).Store(y + i);
            for (; i < count; i++) y[i] = f.Of(y[i]);
            return;
        }

        Vector<T> scale = new(_residualScale);
        for (; i + Vector<T>.Count <= count; i += Vector<T>.Count) f.Of(MultiplyAdd(Vector.Load(residual + i), scale, Vector.Load(y + i))).Store(y + i);
        for (; i < count; i++) y[i] = f.Of(T.MultiplyAddEstimate(residual[i], _residualScale, y[i]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> MultiplyAdd(Vector<T> a, Vector<T> b, Vector<T> c)
    {
        if (typeof(T) == typeof(float)) return Vector.MultiplyAddEstimate(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>();
        if (typeof(T) == typeof(double)) return Vector.MultiplyAddEstimate(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();
        return (a * b) + c;
    }

    private void Activate(T* y, int count)
    {
        switch (ops.Activation.Kind)
        {
            case ActivationKind.None:
                return;
            case ActivationKind.LeakyRelu:
                LeakyRelu(y, count);
                return;
            case ActivationKind.HardSwish:
                HardSwish(y, count);
                return;
            case var kind when typeof(T) == typeof(float) && VectorActivations.Has(kind):
                VectorActivations.Apply(ops.Activation, (float*)y, count);
                return;
            default:
                for (int i = 0; i < count; i++) y[i] = T.CreateTruncating(Activations.Apply(ops.Activation, double.CreateTruncating(y[i])));
                return;
        }
    }

    // Selecting on the sign keeps NaN and any alpha right.
    private void LeakyRelu(T* y, int count)
    {
        int i = 0;
        for (; i + Vector<T>.Count <= count; i += Vector<T>.Count)
        {
            Vector<T> v = Vector.Load(y + i);
            Vector.ConditionalSelect(Vector.GreaterThan(v, Vector<T>.Zero), v, v * _alpha).Store(y + i);
        }

        for (; i < count; i++) y[i] = y[i] > T.Zero ? y[i] : _alpha * y[i];
    }

    // Where the gate is shut the result is a zero of the element's sign, for -Infinity too.
    private void HardSwish(T* y, int count)
    {
        int i = 0;
        Vector<T> beta = new(_beta);
        for (; i + Vector<T>.Count <= count; i += Vector<T>.Count)
        {
            Vector<T> v = Vector.Load(y + i), h = (v * _alpha) + beta;
            Vector<T> open = Vector.ConditionalSelect(Vector.GreaterThan(h, Vector<T>.One), v, v * h);
            Vector.ConditionalSelect(Vector.LessThanOrEqual(h, Vector<T>.Zero), Vector.CopySign(Vector<T>.Zero, v), open).Store(y + i);
        }

        for (; i < count; i++)
        {
            T h = (_alpha * y[i]) + _beta;
            y[i] = h <= T.Zero ? T.CopySign(T.Zero, y[i]) : h > T.One ? y[i] : y[i] * h;
        }
    }

    private readonly struct Same : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<T> Of(Vector<T> v) => v;

        public T Of(T v) => v;
    }

    private readonly struct Above(T least) : IFunction
    {
        private readonly Vector<T> _least = new(least);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<T> Of(Vector<T> v) => Vector.ConditionalSelect(Vector.LessThan(v, _least), _least, v);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of(T v) => v < _least[0] ? _least[0] : v;
    }

    private readonly struct Between(T least, T most) : IFunction
    {
        private readonly Vector<T> _least = new(least);
        private readonly Vector<T> _most = new(most);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<T> Of(Vector<T> v)
        {
            Vector<T> above = Vector.ConditionalSelect(Vector.LessThan(v, _least), _least, v);
            return Vector.ConditionalSelect(Vector.GreaterThan(above, _most), _most, above);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of(T v) => v < _least[0] ? _least[0] : v > _most[0] ? _most[0] : v;
    }
}
