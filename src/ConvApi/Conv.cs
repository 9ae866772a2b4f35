using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative;

/// <summary>
/// Convolutions in one call, f32. Shapes are <c>[N, C, (D, (H,)) W]</c>, weights <c>[O, C/G, k...]</c> (transposed
/// <c>[C, O/G, k...]</c>), bias <c>[O]</c>. Views are read as they are: dense and channels-last ones in place, others by a copy.
/// Plans are cached; a caller with fixed weights is faster with a <see cref="ConvPlan"/> of its own, which packs them once.
/// A bias that is null or <c>default</c> is none; an empty array is a bias of the wrong length. All functions throw
/// <see cref="ConvProblemException"/> for shapes and options that break a rule.
/// </summary>
public static partial class Conv
{
    /// <summary>1-D correlation (what deep learning calls convolution): <c>[N, C, W] -> [N, O, W']</c>.</summary>
    public static Tensor<float> Conv1D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 1, input, weights, bias, options);

    /// <summary>2-D correlation: <c>[N, C, H, W] -> [N, O, H', W']</c>.</summary>
    public static Tensor<float> Conv2D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 2, input, weights, bias, options);

    /// <summary>3-D correlation: <c>[N, C, D, H, W] -> [N, O, D', H', W']</c>.</summary>
    public static Tensor<float> Conv3D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Correlation, 3, input, weights, bias, options);

    /// <summary>1-D transposed convolution, the adjoint of <c>Conv1D</c> with the same options.</summary>
    public static Tensor<float> ConvTranspose1D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 1, input, weights, bias, options);

    /// <summary>2-D transposed convolution, the adjoint of <c>Conv2D</c> with the same options.</summary>
    public static Tensor<float> ConvTranspose2D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 2, input, weights, bias, options);

    /// <summary>3-D transposed convolution, the adjoint of <c>Conv3D</c> with the same options.</summary>
    public static Tensor<float> ConvTranspose3D(in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias = default, ConvOptions? options = null) =>
        New(ConvOp.Transposed, 3, input, weights, bias, options);

    /// <summary>
    /// Any rank on plain memory: channels-first dense <paramref name="input"/> of shape <paramref name="inputShape"/> and
    /// <paramref name="weights"/> of <paramref name="weightShape"/>; writes <paramref name="output"/>, whose length must be exact.
    /// </summary>
    /// <returns>The output's shape.</returns>
    /// <exception cref="ArgumentException">A length disagrees with its shape.</exception>
    public static Dims Convolve(ReadOnlySpan<float> input, Dims inputShape, ReadOnlySpan<float> weights, Dims weightShape, ReadOnlySpan<float> bias, Span<float> output, ConvOptions? options = null) =>
        Run(ConvOp.Correlation, input, inputShape, weights, weightShape, bias, output, options);

    /// <summary>As <see cref="Convolve"/>, transposed.</summary>
    /// <returns>The output's shape.</returns>
    /// <exception cref="ArgumentException">A length disagrees with its shape.</exception>
    public static Dims ConvolveTransposed(ReadOnlySpan<float> input, Dims inputShape, ReadOnlySpan<float> weights, Dims weightShape, ReadOnlySpan<float> bias, Span<float> output, ConvOptions? options = null) =>
        Run(ConvOp.Transposed, input, inputShape, weights, weightShape, bias, output, options);

    /// <summary>The problem that a call with these shapes and options computes: to explain, check, or plan it.</summary>
    public static ConvProblem Problem(ConvOp op, Dims inputShape, Dims weightShape, bool bias, ConvOptions? options = null) =>
        (options ?? ConvOptions.Default).ToSpec(op, inputShape, weightShape, bias).Build();

    private static Tensor<float> New(ConvOp op, int rank, in ReadOnlyTensorSpan<float> input, in ReadOnlyTensorSpan<float> weights, ReadOnlySpan<float> bias, ConvOptions? options)
    {
        if (input.Rank != rank + 2) throw new ConvProblemException("input_shape", TensorViews.Shape(input.Lengths).ToString(), $"must have {rank + 2} axes: batch, channels and {rank} spatial");
        options ??= ConvOptions.Default;
        ReadOnlySpan<float> x = TensorViews.Elements("input", input, out Layout layout), w = TensorViews.Elements("weights", weights, out Layout weightLayout);
        ConvSpec spec = options.ToSpec(op, TensorViews.Shape(input.Lengths), TensorViews.Shape(weights.Lengths), IsGiven(bias));
        ConvProblem p = (spec with { InputLayout = layout, WeightLayout = weightLayout }).Build();
        Span<nint> lengths = stackalloc nint[p.OutputShape.Count];
        for (int i = 0; i < lengths.Length; i++) lengths[i] = checked((nint)p.OutputShape[i]);
        if (p.OutputShape.Product > int.MaxValue) throw new ConvProblemException("output_shape", p.OutputShape.ToString(), "a tensor must have fewer than 2^31 elements");
        Tensor<float> y = Tensor.CreateFromShapeUninitialized<float>(lengths);
        Run(p, options, x, w, bias, p.OutputShape.Product == 0 ? default : MemoryMarshal.CreateSpan(ref TensorMarshal.GetReference(y.AsTensorSpan()), (int)p.OutputShape.Product));
        return y;
    }

    private static Dims Run(ConvOp op, ReadOnlySpan<float> input, Dims inputShape, ReadOnlySpan<float> weights, Dims weightShape, ReadOnlySpan<float> bias, Span<float> output, ConvOptions? options)
    {
        options ??= ConvOptions.Default;
        ConvProblem p = Problem(op, inputShape, weightShape, IsGiven(bias), options);
        Length("input", input.Length, p.InputShape);
        Length("output", output.Length, p.OutputShape);
        Run(p, options, input, weights, bias, output);
        return p.OutputShape;
    }

    private static void Run(ConvProblem p, ConvOptions options, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y)
    {
        Length("weights", w.Length, p.WeightShape);
        if (p.HasBias) Length("bias", bias.Length, p.BiasShape);
        if (p.OutputShape.Product == 0) return;
        try
        {
            Run(new PlanCache.PlanKey(p, options.Plan, options.Backend), x, w, bias, y);
        }
        catch (UnsupportedOperandsException e) when (options.Backend == ConvPlan.Auto)
        {
            if (!RunOnAnother(e.Backend, p, options, x, w, bias, y)) throw;
        }
    }

    private static void Run(PlanCache.PlanKey key, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y)
    {
        ConvPlan plan = PlanCache.Shared.Take(key);
        try
        {
            plan.SetWeights(w, bias);
            plan.Run(x, y);
        }
        catch
        {
            plan.Dispose();
            throw;
        }

        PlanCache.Shared.Put(key, plan);
    }

    /// <summary>After <paramref name="refusing"/> refused these weights; false where no other engine takes them.</summary>
    private static bool RunOnAnother(string refusing, ConvProblem p, ConvOptions options, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y)
    {
        foreach (ConvBackend other in Engines.All)
        {
            if (other.Name == refusing || !other.Status.Available) continue;
            try
            {
                Run(new PlanCache.PlanKey(p, options.Plan, other.Name), x, w, bias, y);
                return true;
            }
            catch (NotSupportedException)
            {
                // The problem or its weights: the next may take them.
            }
        }

        return false;
    }

    // An empty array is something that a caller has made, and of the wrong length; only null and default are no bias.
    private static bool IsGiven(ReadOnlySpan<float> bias) => !Unsafe.IsNullRef(ref MemoryMarshal.GetReference(bias));

    private static void Length(string field, int length, Dims shape)
    {
        if (length != shape.Product) throw new ConvProblemException(field, $"{length} elements", $"must be exactly {shape.Product}, shape {shape}");
    }
}
