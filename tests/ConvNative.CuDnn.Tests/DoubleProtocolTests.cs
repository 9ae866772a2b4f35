using System.Runtime.InteropServices;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using A = ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;
using D = ConvNative.Bindings.CuDnn.cudnnBackendDescriptorType_t;
using S = ConvNative.Bindings.CuDnn.cudnnStatus_t;
using T = ConvNative.Bindings.CuDnn.cudnnBackendAttributeType_t;

namespace ConvNative.Tests;

/// <summary>What the double holds against a caller: only because it does, a test of the engine on it means something.</summary>
[TestClass]
public sealed unsafe class DoubleProtocolTests
{
    private const cudnnDataType_t F32 = cudnnDataType_t.CUDNN_DATA_FLOAT;

    [TestMethod]
    public void AttributesHaveTypesCountsAndOwners()
    {
        Double.Need();
        using var api = new GraphApi();
        cudnnBackendDescriptor_t t = api.Create(D.CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, GraphApi.Set(t, A.CUDNN_ATTR_TENSOR_DIMENSIONS, T.CUDNN_TYPE_INT32, 1, 2));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, GraphApi.Set(t, A.CUDNN_ATTR_TENSOR_UNIQUE_ID, T.CUDNN_TYPE_INT64, 1L, 2L));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, GraphApi.Set(t, A.CUDNN_ATTR_CONVOLUTION_DILATIONS, T.CUDNN_TYPE_INT64, 1L));
        // A boolean of four bytes would leave three that nobody reads, or worse: 256 is no truth value in one byte.
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, GraphApi.Set(t, A.CUDNN_ATTR_TENSOR_IS_VIRTUAL, T.CUDNN_TYPE_BOOLEAN, (byte)2));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, Cudnn.cudnnBackendFinalize(t), "attributes are missing");
        long value = 0, count = 0;
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, Cudnn.cudnnBackendGetAttribute(t, A.CUDNN_ATTR_TENSOR_UNIQUE_ID, T.CUDNN_TYPE_INT64, 1, &count, &value));
        cudnnBackendDescriptor_t good = api.Tensor(7, F32, [1, 2, 3, 4], [24, 12, 4, 1]);
        Assert.AreNotEqual(S.CUDNN_STATUS_SUCCESS, GraphApi.Set(good, A.CUDNN_ATTR_TENSOR_UNIQUE_ID, T.CUDNN_TYPE_INT64, 8L), "it is finalized");
        GraphApi.Ok(Cudnn.cudnnBackendGetAttribute(good, A.CUDNN_ATTR_TENSOR_UNIQUE_ID, T.CUDNN_TYPE_INT64, 1, &count, &value));
        Assert.AreEqual((7, 1), (value, count));
        byte* text = stackalloc byte[200];
        Cudnn.cudnnGetLastErrorString(text, 200);
        StringAssert.Contains(Marshal.PtrToStringUTF8((nint)text), "finalized already");
    }

    [TestMethod]
    public void ReferencesAreFinalizedFirstAndOfTheRightType()
    {
        Double.Need();
        using var api = new GraphApi();
        cudnnBackendDescriptor_t op = api.Create(D.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR), raw = api.Create(D.CUDNN_BACKEND_TENSOR_DESCRIPTOR), conv = api.Convolution(F32, [0], [0], [1], [1]);
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, GraphApi.Set(op, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, raw));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, GraphApi.Set(op, A.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, T.CUDNN_TYPE_BACKEND_DESCRIPTOR, conv));
    }

    [TestMethod]
    public void ShapesMustFit()
    {
        Double.Need();
        S Try(long[] y, long pad)
        {
            using var api = new GraphApi();
            cudnnBackendDescriptor_t x = api.Tensor(1, F32, [2, 4, 9], [36, 9, 1]), w = api.Tensor(2, F32, [6, 4, 3], [12, 3, 1]), t = api.Tensor(3, F32, y, [y[1] * y[2], y[2], 1]);
            return Cudnn.cudnnBackendFinalize(api.Graph(api.Operation(D.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, api.Convolution(F32, [pad], [pad], [1], [1]), false, x, w, t)));
        }

        Assert.AreEqual(S.CUDNN_STATUS_SUCCESS, Try([2, 6, 9], 1));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, Try([2, 6, 9], 0));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, Try([2, 5, 9], 1));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, Try([1, 6, 9], 1));
    }

    /// <summary>Work is done when somebody waits for it: a result read without waiting is the old one.</summary>
    [TestMethod]
    public void WorkWaitsForASynchronisation()
    {
        Double.Need();
        using var gpu = new Gpu();
        cudaStream_t stream, other;
        Gpu.Check(CudaRt.cudaStreamCreateWithFlags(&stream, 1));
        Gpu.Check(CudaRt.cudaStreamCreateWithFlags(&other, 1));
        void* pinned;
        Gpu.Check(CudaRt.cudaMallocHost(&pinned, 4));
        *(int*)pinned = 5;
        nint device = gpu.Allocate(4);
        Gpu.Check(CudaRt.cudaMemsetAsync((void*)device, 0, 4, stream));
        Gpu.Check(CudaRt.cudaMemcpyAsync(pinned, (void*)device, 4, cudaMemcpyKind.cudaMemcpyDeviceToHost, stream));
        Assert.AreEqual(5, *(int*)pinned, "nobody waited");
        Gpu.Check(CudaRt.cudaStreamSynchronize(other));
        Assert.AreEqual(5, *(int*)pinned, "another stream was waited for");
        cudaEvent_t done;
        Gpu.Check(CudaRt.cudaEventCreateWithFlags(&done, 2));
        Gpu.Check(CudaRt.cudaEventRecord(done, stream));
        Assert.AreEqual(cudaError_t.cudaErrorNotReady, CudaRt.cudaEventQuery(done));
        Gpu.Check(CudaRt.cudaStreamWaitEvent(other, done, 0));
        Gpu.Check(CudaRt.cudaStreamSynchronize(other));
        Assert.AreEqual(0, *(int*)pinned, "the event was waited for");

        // The source of a copy from pinned memory is read late: it must not be used again before.
        *(int*)pinned = 7;
        Gpu.Check(CudaRt.cudaMemcpyAsync((void*)device, pinned, 4, cudaMemcpyKind.cudaMemcpyHostToDevice, stream));
        *(int*)pinned = 8;
        Gpu.Check(CudaRt.cudaStreamSynchronize(stream));
        Assert.AreEqual(8, BitConverter.ToInt32(gpu.Download(device, 4)));
        Gpu.Check(CudaRt.cudaEventDestroy(done));
        Gpu.Check(CudaRt.cudaFreeHost(pinned));
        Gpu.Check(CudaRt.cudaStreamDestroy(stream));
        Gpu.Check(CudaRt.cudaStreamDestroy(other));
    }

    [TestMethod]
    public void MemoryIsLimitedGuardedAndCounted()
    {
        Double.Need();
        int before = Double.LiveObjects;
        void* p, q;
        Double.MemoryLimit = Double.MemoryUsed + 1000;
        Gpu.Check(CudaRt.cudaMalloc(&p, 900));
        Assert.AreEqual(cudaError_t.cudaErrorMemoryAllocation, CudaRt.cudaMalloc(&q, 200));
        Double.MemoryLimit = 4UL << 30;
        Assert.AreEqual(before + 1, Double.LiveObjects);
        Assert.AreEqual(0, Double.GuardErrors);
        ((byte*)p)[900] = 1;
        Assert.AreEqual(1, Double.GuardErrors);
        Gpu.Check(CudaRt.cudaFree(p));
        Assert.AreEqual(before, Double.LiveObjects);
        Assert.AreEqual(0, Double.Misuses);
        Assert.AreNotEqual(cudaError_t.cudaSuccess, CudaRt.cudaFree(p));
        Assert.AreEqual(1, Double.Misuses);
        Double.Reset();
    }

    /// <summary>A kernel that is given host memory, or memory that is gone, breaks the device for good, as on a GPU.</summary>
    [TestMethod]
    public void ABadAddressIsAnErrorThatStays()
    {
        Double.Need();
        using (var gpu = new Gpu())
        {
            CUmodule module = gpu.Compile("rearrange.cu", "BYTES=4");
            nint to = gpu.Allocate(64);
            int* host = stackalloc int[16];
            Gpu.Launch(module, "cn_flip", 16, to, (nint)host, 1L, 16L, 1L);
            Assert.AreEqual(cudaError_t.cudaErrorIllegalAddress, CudaRt.cudaDeviceSynchronize());
            Assert.AreEqual(cudaError_t.cudaErrorIllegalAddress, CudaRt.cudaDeviceSynchronize());
        }

        Double.Reset();
        Gpu.Check(CudaRt.cudaDeviceSynchronize());
    }

    [TestMethod]
    public void ACallFailsOnRequestAndOnlyThatCall()
    {
        Double.Need();
        Double.Fail("cudaMalloc", 2, 2);
        void* p, q;
        Gpu.Check(CudaRt.cudaMalloc(&p, 16));
        Assert.AreEqual(cudaError_t.cudaErrorMemoryAllocation, CudaRt.cudaMalloc(&q, 16));
        Gpu.Check(CudaRt.cudaMalloc(&q, 16));
        Assert.AreEqual(0, Double.OrdersLeft);
        Gpu.Check(CudaRt.cudaFree(p));
        Gpu.Check(CudaRt.cudaFree(q));
        CollectionAssert.AreEqual(new[] { "cudaMalloc", "cudaMalloc", "cudaMalloc", "cudaFree", "cudaFree" }, Double.Calls);
    }

    /// <summary>y = relu(conv + bias) in one graph: the virtual tensors between have no memory; and what the graph refuses.</summary>
    [TestMethod]
    public void AFusedGraph()
    {
        Double.Need();
        using var api = new GraphApi();
        using var gpu = new Gpu();
        cudnnBackendDescriptor_t x = api.Tensor(1, F32, [1, 1, 3], [3, 3, 1]), w = api.Tensor(2, F32, [2, 1, 1], [1, 1, 1]), b = api.Tensor(4, F32, [1, 2, 1], [2, 1, 1]), y = api.Tensor(3, F32, [1, 2, 3], [6, 3, 1]);
        cudnnBackendDescriptor_t sum = api.Tensor(10, F32, [1, 2, 3], [6, 3, 1], isVirtual: true), biased = api.Tensor(11, F32, [1, 2, 3], [6, 3, 1], isVirtual: true);
        cudnnBackendDescriptor_t conv = api.Operation(D.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, api.Convolution(F32, [0], [0], [1], [1]), false, x, w, sum);
        cudnnBackendDescriptor_t add = api.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, sum, b, biased), relu = api.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, biased, null, y);
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, Cudnn.cudnnBackendFinalize(api.Graph(conv, relu)), "a virtual tensor that nobody writes");
        cudnnBackendDescriptor_t graph = api.Graph(conv, add, relu);
        GraphApi.Ok(Cudnn.cudnnBackendFinalize(graph));
        Assert.AreEqual(S.CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, Cudnn.cudnnBackendFinalize(api.Plan(graph, 7)));
        cudnnBackendDescriptor_t plan = api.Plan(graph, 2);
        GraphApi.Ok(Cudnn.cudnnBackendFinalize(plan));
        nint result = gpu.Allocate(24), px = gpu.Upload(MemoryMarshal.AsBytes<float>([1f, -2, 3])), pw = gpu.Upload(MemoryMarshal.AsBytes<float>([2f, -1])), pb = gpu.Upload(MemoryMarshal.AsBytes<float>([1f, 0.5f]));
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_NULL_POINTER, api.Execute(plan, (1, px), (2, pw), (3, result)), "the bias has no pointer");
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM, api.Execute(plan, (1, px), (2, pw), (3, result), (4, pb), (10, result)), "a virtual tensor has one");
        Assert.AreEqual(S.CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, api.Execute(plan, (1, px + 4), (2, pw), (3, result), (4, pb)));
        GraphApi.Ok(api.Execute(plan, (1, px), (2, pw), (3, result), (4, pb)));
        CollectionAssert.AreEqual(new[] { 3f, 0, 7, 0, 2.5f, 0 }, MemoryMarshal.Cast<byte, float>(gpu.Download(result, 24)).ToArray());

        // The same plan from its text.
        long count;
        GraphApi.Ok(Cudnn.cudnnBackendGetAttribute(plan, A.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, T.CUDNN_TYPE_CHAR, 0, &count, null));
        byte[] json = new byte[count];
        fixed (byte* j = json) GraphApi.Ok(Cudnn.cudnnBackendGetAttribute(plan, A.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, T.CUDNN_TYPE_CHAR, count, &count, j));
        cudnnBackendDescriptor_t again = api.Create(D.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        GraphApi.Ok(GraphApi.Set(again, A.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, T.CUDNN_TYPE_HANDLE, api.Handle));
        GraphApi.Ok(GraphApi.Set(again, A.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, T.CUDNN_TYPE_CHAR, json));
        GraphApi.Ok(Cudnn.cudnnBackendFinalize(again));
        nint second = gpu.Allocate(24);
        GraphApi.Ok(api.Execute(again, (1, px), (2, pw), (3, second), (4, pb)));
        CollectionAssert.AreEqual(gpu.Download(result, 24), gpu.Download(second, 24));
    }
}
