using ConvNative.Problems.Rules;

namespace ConvNative.Problems;

/// <summary>The variant that is computed.</summary>
public enum ConvOp
{
    /// <summary>What deep learning calls convolution: the kernel is not flipped.</summary>
    Correlation,

    /// <summary>True convolution: the kernel is flipped along every spatial axis.</summary>
    Convolution,

    /// <summary>Transposed: the adjoint of the correlation with the same strides, dilations, pads and groups.</summary>
    Transposed,

    /// <summary>Deformable convolution v1 (offsets) or v2 (offsets and mask), rank 2.</summary>
    Deformable,

    /// <summary>Channel shuffle: <c>[N, G, C/G, ...] -> transpose(1,2)</c>.</summary>
    ChannelShuffle,

    /// <summary>Unfolds patches into columns; rows are channel-major, <c>c*K + k</c>.</summary>
    Im2col,

    /// <summary>Folds columns back into an image, summing overlaps.</summary>
    Col2im,
}

/// <summary>What is computed from what.</summary>
public enum Direction
{
    /// <summary>The output.</summary>
    Forward,

    /// <summary>The gradient of the input (data).</summary>
    BackwardData,

    /// <summary>The gradient of the weights; with a bias also the gradient of the bias.</summary>
    BackwardWeights,

    /// <summary>The gradient of the bias alone.</summary>
    BackwardBias,

    /// <summary>The gradient of a deformable convolution's offsets.</summary>
    BackwardOffset,

    /// <summary>The gradient of a deformable convolution's mask.</summary>
    BackwardMask,
}

/// <summary>What lies outside the input.</summary>
public enum PaddingMode
{
    /// <summary>Nothing: padding taps contribute nothing (not 0 times Inf).</summary>
    Zeros,

    /// <summary>A constant value.</summary>
    Constant,

    /// <summary>Reflection that does not repeat the edge (pad &lt; size).</summary>
    Reflect,

    /// <summary>Reflection that repeats the edge; periodic beyond the size.</summary>
    Symmetric,

    /// <summary>The edge repeated.</summary>
    Replicate,

    /// <summary>Wrapped around (pad &lt;= size).</summary>
    Circular,
}

/// <summary>Padding derived from the other sizes, as ONNX (opset 11 and later) defines it.</summary>
public enum AutoPad
{
    /// <summary>Explicit pads.</summary>
    NotSet,

    /// <summary>No padding.</summary>
    Valid,

    /// <summary>Output size ceil(I/s) (transposed: I*s); the odd element at the end.</summary>
    SameUpper,

    /// <summary>Output size ceil(I/s) (transposed: I*s); the odd element at the begin.</summary>
    SameLower,
}

/// <summary>Signal-processing modes, for plain N-D signals without batch and channels.</summary>
public enum SignalMode
{
    /// <summary>Not a signal operation.</summary>
    None,

    /// <summary>Every output with at least one tap inside.</summary>
    Full,

    /// <summary>The part of <see cref="Full"/> of the input's size that starts at floor((K-1)/2).</summary>
    Same,

    /// <summary>Only outputs with all taps inside; operands swap where the second is larger on every axis.</summary>
    Valid,
}

/// <summary>Element types.</summary>
public enum DataType
{
    /// <summary>IEEE binary32.</summary>
    F32,

    /// <summary>IEEE binary64.</summary>
    F64,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>IEEE binary16.</summary>
    F16,

    /// <summary>Signed 8-bit integer.</summary>
    S8,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 32-bit integer.</summary>
    S32,
}

/// <summary>Physical order of a tensor whose logical order is channels first.</summary>
public enum Layout
{
    /// <summary>Dense in logical order: N C (D (H)) W; weights O I (D (H)) W. benchdnn: <c>abx</c>.</summary>
    ChannelsFirst,

    /// <summary>Channels innermost: N (D (H)) W C; weights O (D (H)) W I. benchdnn: <c>axb</c>.</summary>
    ChannelsLast,

    /// <summary>The engine's choice; the plan packs and unpacks. benchdnn: <c>any</c>.</summary>
    Any,
}

/// <summary>Activation functions that may follow a convolution.</summary>
public enum ActivationKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x where x &gt; 0, alpha*x elsewhere.</summary>
    LeakyRelu,

    /// <summary>Limits to [alpha, beta]; relu6 is 0 and 6.</summary>
    Clip,

    /// <summary>1/(1+exp(-x)).</summary>
    Sigmoid,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>0.5*x*(1+erf(x/sqrt 2)).</summary>
    GeluErf,

    /// <summary>0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x^3))).</summary>
    GeluTanh,

    /// <summary>x*sigmoid(alpha*x), alpha 1 for silu.</summary>
    Silu,

    /// <summary>x*clip(alpha*x+beta, 0, 1), alpha 1/6 and beta 1/2.</summary>
    HardSwish,
}

/// <summary>Sizes and names of <see cref="DataType"/>.</summary>
public static class DataTypes
{
    /// <summary>Bytes of one element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static int SizeOf(this DataType type) => type switch
    {
        DataType.F64 => 8,
        DataType.F32 or DataType.S32 => 4,
        DataType.BF16 or DataType.F16 => 2,
        DataType.S8 or DataType.U8 => 1,
        _ => throw DefinedValue.Error(nameof(type), type),
    };

    /// <summary>benchdnn's name: f32, f64, bf16, f16, s8, u8, s32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static string Name(this DataType type) => type switch
    {
        DataType.F32 => "f32",
        DataType.F64 => "f64",
        DataType.BF16 => "bf16",
        DataType.F16 => "f16",
        DataType.S8 => "s8",
        DataType.U8 => "u8",
        DataType.S32 => "s32",
        _ => throw DefinedValue.Error(nameof(type), type),
    };

    /// <summary>The type with benchdnn's name <paramref name="name"/>, or false.</summary>
    public static bool TryParse(string name, out DataType type)
    {
        foreach (DataType t in Enum.GetValues<DataType>())
            if (t.Name() == name)
            {
                type = t;
                return true;
            }

        type = default;
        return false;
    }

    /// <summary>True for s8, u8 and s32.</summary>
    public static bool IsInteger(this DataType type) => type is DataType.S8 or DataType.U8 or DataType.S32;
}
