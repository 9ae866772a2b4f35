using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>
/// Elements between <c>.npy</c> files and problems. A file's type must be the problem's; for bf16 a file holds raw bits as
/// <c>&lt;u2</c> or <c>|V2</c>, and for bf16 and f16 also <c>&lt;f4</c>, rounded to nearest even.
/// </summary>
public static class TensorFiles
{
    /// <summary>The elements of <paramref name="array"/> as <paramref name="type"/>; <paramref name="field"/> is for the message.</summary>
    /// <exception cref="ConvProblemException">The file's type is another.</exception>
    public static byte[] ToBytes(string field, NpyArray array, DataType type)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (Native(type) == array.Type || (type == DataType.BF16 && array.Type == NpyType.V2)) return array.Data;
        if (type is DataType.BF16 or DataType.F16 && array.Type == NpyType.F4) return Numbers.FromSingles(array.Data, type);
        string rule = type switch
        {
            DataType.BF16 => "must be raw bf16 bits (<u2 or |V2) or <f4",
            DataType.F16 => "must be <f2 or <f4",
            _ => $"must be {Native(type).Descr()}",
        };
        throw new ConvProblemException(field, array.Type.Descr(), $"{rule} for {type.Name()}");
    }

    /// <summary>The bias of a half-precision problem is f32, and may come as the half type too; else as <see cref="ToBytes"/>.</summary>
    /// <exception cref="ConvProblemException">The file's type is another.</exception>
    public static byte[] BiasToBytes(NpyArray array, ConvProblem problem)
    {
        ArgumentNullException.ThrowIfNull(array);
        ArgumentNullException.ThrowIfNull(problem);
        bool half = problem.InputType is DataType.BF16 or DataType.F16 && problem.BiasType == DataType.F32 && array.Type != NpyType.F4;
        return half
            ? Numbers.FromDoubles(Numbers.ToDoubles(ToBytes("bias", array, problem.InputType), problem.InputType), DataType.F32)
            : ToBytes("bias", array, problem.BiasType);
    }

    /// <summary>
    /// A result as a file: of its own type; bf16 as <paramref name="container"/> where that can hold it (the type that the case's
    /// own tensors came in), else as <c>&lt;u2</c>.
    /// </summary>
    public static NpyArray ToFile(byte[] data, Dims shape, DataType type, NpyType? container)
    {
        if (type != DataType.BF16) return new NpyArray(Native(type), shape, data);
        return container switch
        {
            NpyType.F4 => new NpyArray(NpyType.F4, shape, Numbers.FromDoubles(Numbers.ToDoubles(data, type), DataType.F32)),
            NpyType.V2 => new NpyArray(NpyType.V2, shape, data),
            _ => new NpyArray(NpyType.U2, shape, data),
        };
    }

    private static NpyType Native(DataType type) => type switch
    {
        DataType.F64 => NpyType.F8,
        DataType.F32 => NpyType.F4,
        DataType.F16 => NpyType.F2,
        DataType.BF16 => NpyType.U2,
        DataType.S8 => NpyType.I1,
        DataType.U8 => NpyType.U1,
        _ => NpyType.I4,
    };
}
