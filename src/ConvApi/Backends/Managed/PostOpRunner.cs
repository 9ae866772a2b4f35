using System.Numerics;
using System.Numerics.Tensors;
using ConvNative.Backends.Common;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>Residual, activation and output scale, in place on contiguous results that already hold the sum with its bias.</summary>
internal readonly unsafe struct PostOpRunner<T>(PostOps ops)
    where T : unmanaged, INumber<T>
{
    private readonly T _residualScale = T.CreateTruncating(ops.ResidualScale);
    private readonly T _outputScale = T.CreateTruncating(ops.OutputScale ?? 1);
    private readonly T _alpha = T.CreateTruncating(ops.Activation.Alpha);
    private readonly T _beta = T.CreateTruncating(ops.Activation.Beta);

    public bool IsNone => ops.IsNone;

    /// <summary>Finishes <paramref name="count"/> elements; <paramref name="residual"/> lies as they do, or is null.</summary>
    public void Apply(T* y, T* residual, int count)
    {
        var span = new Span<T>(y, count);
        if (residual != null) TensorPrimitives.MultiplyAddEstimate(new ReadOnlySpan<T>(residual, count), _residualScale, span, span);
        Activate(y, span);
        if (ops.OutputScale is not null) TensorPrimitives.Multiply(span, _outputScale, span);
    }

    private void Activate(T* y, Span<T> span)
    {
        int count = span.Length;
        switch (ops.Activation.Kind)
        {
            case ActivationKind.None:
                return;
            case ActivationKind.Relu:
                TensorPrimitives.Max(span, T.Zero, span);
                return;
            case ActivationKind.Clip when _alpha <= _beta:
                TensorPrimitives.Clamp(span, _alpha, _beta, span);
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
}
