using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>The numbers of one spatial axis.</summary>
internal readonly record struct Axis(int Input, int Output, int Kernel, int Stride, int Dilation, int Begin);

/// <summary>A problem's spatial axes, padded in front to three so that every rank runs through the same three loops.</summary>
internal sealed class Spatial
{
    private static readonly Axis s_unit = new(1, 1, 1, 1, 1, 0);

    public Spatial(ConvProblem p)
        : this(p, p.InputSpatial, p.OutputSpatial)
    {
    }

    public Spatial(ConvProblem p, Dims input, Dims output)
    {
        var axes = new Axis[3];
        for (int i = 0; i < 3; i++)
        {
            int a = i - (3 - p.Rank);
            axes[i] = a < 0 ? s_unit : checked(new Axis((int)input[a], (int)output[a], (int)p.Kernel[a], (int)p.Strides[a], (int)p.Dilations[a], (int)p.PadsBegin[a]));
        }

        (Z, Y, X) = (axes[0], axes[1], axes[2]);
        InputSize = checked(Z.Input * Y.Input * X.Input);
        OutputSize = checked(Z.Output * Y.Output * X.Output);
        KernelSize = checked(Z.Kernel * Y.Kernel * X.Kernel);
    }

    public Axis Z { get; }

    public Axis Y { get; }

    public Axis X { get; }

    public int InputSize { get; }

    public int OutputSize { get; }

    public int KernelSize { get; }
}
