using System.Numerics.Tensors;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

internal static class ReadmeExample
{
    public static Tensor<float> Run()
    {
        // README begins
        Tensor<float> x = Tensor.CreateFromShape<float>([1, 3, 224, 224]);   // [N, C, H, W]
        Tensor<float> w = Tensor.CreateFromShape<float>([64, 3, 7, 7]);      // [O, C/G, kh, kw]
        float[] bias = new float[64];
        x.Fill(1f);
        w.Fill(0.01f);

        Tensor<float> y = Conv.Conv2D(x, w, bias, new ConvOptions { Stride = 2, Padding = 3, Activation = Activation.Relu });

        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic64ih56oc64oh56kh3ph1")); // packs its weights once
        Console.WriteLine($"{y.Lengths[1]} channels; {plan.Backend} would use {plan.Implementation}");
        // README ends
        return y;
    }
}
