using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings.CuDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>A tensor of an operation graph: logical sizes N, C, (D,) H, W; the layout lies in the strides.</summary>
internal readonly record struct GraphTensor(long Id, Dims Shape, Dims Strides, cudnnDataType_t Type, bool IsVirtual = false)
{
    /// <summary>cudaMalloc and the pools give 256; 16 is what engines ask for.</summary>
    public const long Alignment = 16;

    public int ElementBytes => Type switch
    {
        cudnnDataType_t.CUDNN_DATA_DOUBLE => 8,
        cudnnDataType_t.CUDNN_DATA_FLOAT or cudnnDataType_t.CUDNN_DATA_INT32 => 4,
        cudnnDataType_t.CUDNN_DATA_HALF or cudnnDataType_t.CUDNN_DATA_BFLOAT16 => 2,
        _ => 1,
    };

    public static GraphTensor Of(long id, CudaTensor tensor)
    {
        (Dims shape, Dims strides) = tensor.ForCudnn();
        return new GraphTensor(id, shape, strides, TypeOf(tensor.Type));
    }

    /// <summary>A tensor that exists only between two operations of a graph, in the accumulation type.</summary>
    public GraphTensor Between(long id, cudnnDataType_t type) => this with { Id = id, Type = type, IsVirtual = true };

    public static cudnnDataType_t TypeOf(DataType type) => type switch
    {
        DataType.F32 => cudnnDataType_t.CUDNN_DATA_FLOAT,
        DataType.F64 => cudnnDataType_t.CUDNN_DATA_DOUBLE,
        DataType.F16 => cudnnDataType_t.CUDNN_DATA_HALF,
        DataType.BF16 => cudnnDataType_t.CUDNN_DATA_BFLOAT16,
        DataType.S8 => cudnnDataType_t.CUDNN_DATA_INT8,
        DataType.U8 => cudnnDataType_t.CUDNN_DATA_UINT8,
        _ => cudnnDataType_t.CUDNN_DATA_INT32,
    };

    /// <summary>For messages and cache keys.</summary>
    public override string ToString() => $"{Type.ToString()["CUDNN_DATA_".Length..]}{Shape}/{Strides}{(IsVirtual ? "v" : "")}";
}
