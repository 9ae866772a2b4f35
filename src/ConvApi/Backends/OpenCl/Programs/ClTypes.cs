using System.Globalization;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>Storage of the three tensors of a correlation and the type of its sums, as build options of a program.</summary>
internal readonly record struct ClTypes(DataType Big, DataType Small, DataType Weights)
{
    public static ClTypes Of(ConvProblem p) => p.Op is ConvOp.Transposed or ConvOp.Col2im
        ? new(p.OutputType, p.InputType, p.WeightType)
        : new(p.InputType, p.OutputType, p.WeightType);

    /// <summary>Sums in f64 whatever the storage.</summary>
    public bool Wide { get; init; }

    public bool IsDouble => Wide || Big == DataType.F64 || Small == DataType.F64 || Weights == DataType.F64;

    /// <summary>The type of sums.</summary>
    public DataType Real => IsDouble ? DataType.F64 : DataType.F32;

    public string Options
    {
        get
        {
            string suffix = IsDouble ? "" : "f";
            return string.Create(CultureInfo.InvariantCulture, $"-DREAL={(IsDouble ? "double -DUSE_F64" : "float")} -DBIG={Upper(Big)} -DSMALL={Upper(Small)} -DWEI={Upper(Weights)} -DREAL_SQRT_HALF=0.70710678118654752{suffix} -DREAL_GELU_FACTOR=1.5957691216057308{suffix} -DREAL_GELU_CUBE=0.044715{suffix}");
        }
    }

    /// <summary>Why <paramref name="device"/> lacks them, or null.</summary>
    public string? Lacking(ClDeviceProperties device)
    {
        foreach (DataType t in (ReadOnlySpan<DataType>)[Big, Small, Weights])
        {
            if (t == DataType.F64 && !device.HasF64) return $"data type f64: {device.Name} lacks cl_khr_fp64";
        }

        return null;
    }

    private static string Upper(DataType t) => t.Name().ToUpperInvariant();
}
