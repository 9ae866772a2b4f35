using System.Numerics.Tensors;
using ConvNative.Problems;

namespace ConvNative;

/// <content>The same for tensors, so that a null is refused by its name.</content>
public static partial class Conv
{
    /// <summary>As <see cref="Conv1D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> Conv1D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 1, input, weights, bias, options);

    /// <summary>As <see cref="Conv2D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> Conv2D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 2, input, weights, bias, options);

    /// <summary>As <see cref="Conv3D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> Conv3D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 3, input, weights, bias, options);

    /// <summary>As <see cref="ConvTranspose1D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> ConvTranspose1D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 1, input, weights, bias, options);

    /// <summary>As <see cref="ConvTranspose2D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> ConvTranspose2D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 2, input, weights, bias, options);

    /// <summary>As <see cref="ConvTranspose3D(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, ReadOnlySpan{float}, ConvOptions?)"/>.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    public static Tensor<float> ConvTranspose3D(Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 3, input, weights, bias, options);

    private static Tensor<float> New(ConvOp op, int rank, Tensor<float> input, Tensor<float> weights, ReadOnlySpan<float> bias, ConvOptions? options)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(weights);
        return New(op, rank, input.AsReadOnlyTensorSpan(), weights.AsReadOnlyTensorSpan(), bias, options);
    }
}
