using System.Runtime.InteropServices;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using A = ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;
using D = ConvNative.Bindings.CuDnn.cudnnBackendDescriptorType_t;
using T = ConvNative.Bindings.CuDnn.cudnnBackendAttributeType_t;

namespace ConvNative.Tests;

/// <summary>cuDNN's graph API by hand, apart from the engine's own code: what proves the double must not come from what the double proves.</summary>
internal sealed unsafe class GraphApi : IDisposable
{
    private readonly Stack<cudnnBackendDescriptor_t> _all = new();

    public GraphApi()
    {
        cudnnHandle_t h;
        Ok(Cudnn.cudnnCreate(&h));
        Handle = h;
    }

    public cudnnHandle_t Handle { get; }

    public static void Ok(cudnnStatus_t s) => Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_SUCCESS, s, Double.Log);

    public cudnnBackendDescriptor_t Create(D type)
    {
        cudnnBackendDescriptor_t d;
        Ok(Cudnn.cudnnBackendCreateDescriptor(type, &d));
        _all.Push(d);
        return d;
    }

    public static cudnnStatus_t Set<TElement>(cudnnBackendDescriptor_t d, A name, T type, params TElement[] values)
        where TElement : unmanaged
    {
        fixed (TElement* v = values) return Cudnn.cudnnBackendSetAttribute(d, name, type, values.Length, v);
    }

    public cudnnBackendDescriptor_t Tensor(long uid, cudnnDataType_t type, long[] dims, long[] strides, bool isVirtual = false)
    {
        cudnnBackendDescriptor_t d = Create(D.CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        Ok(Set(d, A.CUDNN_ATTR_TENSOR_DATA_TYPE, T.CUDNN_TYPE_DATA_TYPE, type));
        Ok(Set(d, A.CUDNN_ATTR_TENSOR_DIMENSIONS, T.CUDNN_TYPE_INT64, dims));
        Ok(Set(d, A.CUDNN_ATTR_TENSOR_STRIDES, T.CUDNN_TYPE_INT64, strides));
        Ok(Set(d, A.CUDNN_ATTR_TENSOR_UNIQUE_ID, T.CUDNN_TYPE_INT64, uid));
        Ok(Set(d, A.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, T.CUDNN_TYPE_INT64, 16L));
        if (isVirtual) Ok(Set(d, A.CUDNN_ATTR_TENSOR_IS_VIRTUAL, T.CUDNN_TYPE_BOOLEAN, (byte)1));
        Ok(Cudnn.cudnnBackendFinalize(d));
        return d;
    }

    public cudnnBackendDescriptor_t Convolution(cudnnDataType_t compute, long[] pre, long[] post, long[] strides, long[] dilations)
    {
        cudnnBackendDescriptor_t d = Create(D.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_COMP_TYPE, T.CUDNN_TYPE_DATA_TYPE, compute));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_CONV_MODE, T.CUDNN_TYPE_CONVOLUTION_MODE, cudnnConvolutionMode_t.CUDNN_CROSS_CORRELATION));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, T.CUDNN_TYPE_INT64, (long)pre.Length));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, T.CUDNN_TYPE_INT64, pre));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, T.CUDNN_TYPE_INT64, post));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, T.CUDNN_TYPE_INT64, strides));
        Ok(Set(d, A.CUDNN_ATTR_CONVOLUTION_DILATIONS, T.CUDNN_TYPE_INT64, dilations));
        Ok(Cudnn.cudnnBackendFinalize(d));
        return d;
    }

    /// <summary>Forward: x, w, y. Data: dy, w, dx. Filter: x, dy, dw.</summary>
    public cudnnBackendDescriptor_t Operation(D kind, cudnnBackendDescriptor_t conv, bool wide, cudnnBackendDescriptor_t a, cudnnBackendDescriptor_t b, cudnnBackendDescriptor_t result)
    {
        A[] names = kind switch
        {
            D.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR =>
                [A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA],
            D.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR =>
                [A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA],
            _ => [A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, A.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA],
        };
        cudnnBackendDescriptor_t d = Create(kind);
        cudnnBackendDescriptor_t[] children = [conv, a, b, result];
        for (int i = 0; i < 4; i++) Ok(Set(d, names[i], T.CUDNN_TYPE_BACKEND_DESCRIPTOR, children[i]));
        Ok(wide ? Set(d, names[4], T.CUDNN_TYPE_DOUBLE, 1.0) : Set(d, names[4], T.CUDNN_TYPE_FLOAT, 1f));
        Ok(wide ? Set(d, names[5], T.CUDNN_TYPE_DOUBLE, 0.0) : Set(d, names[5], T.CUDNN_TYPE_FLOAT, 0f));
        Ok(Cudnn.cudnnBackendFinalize(d));
        return d;
    }

    public cudnnBackendDescriptor_t Pointwise(cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t? b, cudnnBackendDescriptor_t y)
    {
        cudnnBackendDescriptor_t p = Create(D.CUDNN_BACKEND_POINTWISE_DESCRIPTOR), d = Create(D.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        Ok(Set(p, A.CUDNN_ATTR_POINTWISE_MODE, T.CUDNN_TYPE_POINTWISE_MODE, mode));
        Ok(Set(p, A.CUDNN_ATTR_POINTWISE_MATH_PREC, T.CUDNN_TYPE_DATA_TYPE, cudnnDataType_t.CUDNN_DATA_FLOAT));
        Ok(Cudnn.cudnnBackendFinalize(p));
        Ok(Set(d, A.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, p));
        Ok(Set(d, A.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, x));
        if (b is { } second) Ok(Set(d, A.CUDNN_ATTR_OPERATION_POINTWISE_BDESC, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, second));
        Ok(Set(d, A.CUDNN_ATTR_OPERATION_POINTWISE_YDESC, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, y));
        Ok(Cudnn.cudnnBackendFinalize(d));
        return d;
    }

    /// <summary>A graph, not finalized yet.</summary>
    public cudnnBackendDescriptor_t Graph(params cudnnBackendDescriptor_t[] operations)
    {
        cudnnBackendDescriptor_t d = Create(D.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        Ok(Set(d, A.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, T.CUDNN_TYPE_HANDLE, Handle));
        Ok(Set(d, A.CUDNN_ATTR_OPERATIONGRAPH_OPS, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, operations));
        return d;
    }

    /// <summary>A plan on the engine of a global index, not finalized yet; the graph is.</summary>
    public cudnnBackendDescriptor_t Plan(cudnnBackendDescriptor_t graph, long engine)
    {
        cudnnBackendDescriptor_t e = Create(D.CUDNN_BACKEND_ENGINE_DESCRIPTOR), config = Create(D.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), plan = Create(D.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        Ok(Set(e, A.CUDNN_ATTR_ENGINE_OPERATION_GRAPH, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, graph));
        Ok(Set(e, A.CUDNN_ATTR_ENGINE_GLOBAL_INDEX, T.CUDNN_TYPE_INT64, engine));
        Ok(Cudnn.cudnnBackendFinalize(e));
        Ok(Set(config, A.CUDNN_ATTR_ENGINECFG_ENGINE, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, e));
        Ok(Cudnn.cudnnBackendFinalize(config));
        Ok(Set(plan, A.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, T.CUDNN_TYPE_HANDLE, Handle));
        Ok(Set(plan, A.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, config));
        return plan;
    }

    /// <summary>Executes a finalized plan; the workspace is taken and, after the work, given back.</summary>
    public cudnnStatus_t Execute(cudnnBackendDescriptor_t plan, params (long Uid, nint Pointer)[] tensors)
    {
        long workspace = 0, count = 0;
        Ok(Cudnn.cudnnBackendGetAttribute(plan, A.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, T.CUDNN_TYPE_INT64, 1, &count, &workspace));
        using var gpu = new Gpu();
        nint memory = workspace > 0 ? gpu.Allocate(workspace) : 0;
        cudnnBackendDescriptor_t pack = Create(D.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        Ok(Set(pack, A.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, T.CUDNN_TYPE_INT64, tensors.Select(t => t.Uid).ToArray()));
        Ok(Set(pack, A.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, T.CUDNN_TYPE_VOID_PTR, tensors.Select(t => t.Pointer).ToArray()));
        Ok(Set(pack, A.CUDNN_ATTR_VARIANT_PACK_WORKSPACE, T.CUDNN_TYPE_VOID_PTR, memory));
        Ok(Cudnn.cudnnBackendFinalize(pack));
        cudnnStatus_t status = Cudnn.cudnnBackendExecute(Handle, plan, pack);
        _ = CudaRt.cudaDeviceSynchronize();
        return status;
    }

    public void Dispose()
    {
        while (_all.TryPop(out cudnnBackendDescriptor_t d)) Cudnn.cudnnBackendDestroyDescriptor(d);
        Cudnn.cudnnDestroy(Handle);
    }
}
