using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>Shape <c>[N, C, ...]</c> (weights: <c>[O, I, ...]</c>), order in memory and type of a dense tensor on the device.</summary>
internal readonly record struct CudaTensor(Dims Shape, Layout Layout, DataType Type)
{
    public long Count => Shape.Product;

    public long Bytes => checked(Shape.Product * Type.SizeOf());

    public bool IsLast => Layout == Layout.ChannelsLast;

    public int Last => IsLast ? 1 : 0;

    /// <summary>Elements between two of the same channel: the plane for channels first, 1 for channels last.</summary>
    public long Inner => IsLast ? 1 : Shape.Slice(2).Product;

    public KernelStrides Strides
    {
        get
        {
            Dims s = Layouts.Strides(Shape, Layout);
            int rank = Shape.Count - 2;
            return new KernelStrides { N = s[0], C = s[1], D = rank > 2 ? s[2] : 0, H = rank > 1 ? s[rank] : 0, W = s[rank + 1] };
        }
    }

    public long Depth => Shape.Count > 4 ? Shape[2] : 1;

    public long Height => Shape.Count > 3 ? Shape[Shape.Count - 2] : 1;

    public long Width => Shape[Shape.Count - 1];

    /// <summary>
    /// The same bytes with at least two spatial axes: what cuDNN takes. An axis of size 1 gets the stride that a dense tensor has there.
    /// </summary>
    public (Dims Shape, Dims Strides) ForCudnn()
    {
        Dims shape = Shape.Count > 3 ? Shape : [Shape[0], Shape[1], 1, Shape[2]];
        return (shape, Layouts.Strides(shape, Layout));
    }
}
