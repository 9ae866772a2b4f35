using System.Numerics;
using ConvNative.Backends.Common.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Epilogue;

/// <summary>What follows a sum: bias, residual, activation, output scale.</summary>
internal readonly unsafe struct Finish<T>(T* bias, T* residual, PostOps ops)
    where T : unmanaged, INumber<T>
{
    private readonly T _residualScale = T.CreateTruncating(ops.ResidualScale);
    private readonly T _outputScale = T.CreateTruncating(ops.OutputScale ?? 1);

    /// <summary>The final value of output channel <paramref name="channel"/> at element <paramref name="index"/>.</summary>
    public T Apply(T sum, long channel, long index)
    {
        if (bias != null) sum += bias[channel];
        if (residual != null) sum += _residualScale * residual[index];
        if (ops.Activation.Kind != ActivationKind.None) sum = T.CreateTruncating(Activations.Apply(ops.Activation, double.CreateTruncating(sum)));
        return ops.OutputScale is null ? sum : sum * _outputScale;
    }
}
