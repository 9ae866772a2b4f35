using System.Globalization;
using ConvNative.Backends.CuDnn.Graph;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Handles;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// A GPU with one stream, in which everything happens in the order in which it was asked for. cuDNN's handle, the plans that are bound to
/// it, cuBLAS's handle and the kernels belong to the device; whoever uses them holds <see cref="Gate"/>.
/// </summary>
internal sealed unsafe class CudaDevice : ConvDevice, IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private CublasHandle? _blas;

    public CudaDevice(int ordinal, string id, string name)
    {
        (Ordinal, Id, Name) = (ordinal, id, name);
        try
        {
            Enter();
            ComputeCapability = (Attribute(cudaDeviceAttr.cudaDevAttrComputeCapabilityMajor) * 10) + Attribute(cudaDeviceAttr.cudaDevAttrComputeCapabilityMinor);
            HasPools = Attribute(cudaDeviceAttr.cudaDevAttrMemoryPoolsSupported) != 0 && CudaLibraries.Exports(CudaLibrary.Runtime, nameof(CudaRt.cudaMallocAsync));
            cudaStream_t stream;
            CudaRt.cudaStreamCreateWithFlags(&stream, (uint)abi_cudaFlags.cudaStreamNonBlocking).Check(nameof(CudaRt.cudaStreamCreateWithFlags));
            Stream = Own(CudaStreamHandle.Adopt(stream, nameof(CudaRt.cudaStreamCreateWithFlags)));
            if (HasPools) KeepPoolMemory();
            cudnnHandle_t cudnn;
            Bindings.CuDnn.Cudnn.cudnnCreate(&cudnn).Check(nameof(Bindings.CuDnn.Cudnn.cudnnCreate));
            Cudnn = Own(CudnnHandle.Adopt(cudnn, nameof(Bindings.CuDnn.Cudnn.cudnnCreate)));
            Bindings.CuDnn.Cudnn.cudnnSetStream(Cudnn.Raw, Stream.Raw).Check(nameof(Bindings.CuDnn.Cudnn.cudnnSetStream));
            Graphs = Own(new GraphCache(this));
            Kernels = Own(new CudaKernels(ComputeCapability));
            Staging = Own(new CudaStaging(this));
            Pinned = Own(new PinnedPool());
            Completions = new CudaCompletions(this);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override string Id { get; }

    public override string Name { get; }

    public int Ordinal { get; }

    /// <summary>For example 90 for 9.0.</summary>
    public int ComputeCapability { get; }

    /// <summary>Memory comes from a pool in the stream's order.</summary>
    public bool HasPools { get; }

    /// <summary>Held during every use of the device: handles serve one thread at a time.</summary>
    public Lock Gate { get; } = new();

    public CudaStreamHandle Stream { get; } = null!;

    public CudnnHandle Cudnn { get; } = null!;

    public GraphCache Graphs { get; } = null!;

    public CudaKernels Kernels { get; } = null!;

    public CudaStaging Staging { get; } = null!;

    public PinnedPool Pinned { get; } = null!;

    public CudaCompletions Completions { get; } = null!;

    /// <summary>cuBLAS, made at the first use. Its products keep f32 in f32.</summary>
    public CublasHandle Blas
    {
        get
        {
            if (_blas is { } known) return known;
            cublasHandle_t raw;
            Cublas.cublasCreate_v2(&raw).Check(nameof(Cublas.cublasCreate_v2));
            CublasHandle handle = CublasHandle.Adopt(raw, nameof(Cublas.cublasCreate_v2)).Configure(h => Cublas.cublasSetStream_v2(h.Raw, Stream.Raw).Check(nameof(Cublas.cublasSetStream_v2)));
            return _blas = Own(handle);
        }
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    /// <summary>Makes this the calling thread's device: CUDA remembers it for each thread.</summary>
    public void Enter() => CudaRt.cudaSetDevice(Ordinal).Check(nameof(CudaRt.cudaSetDevice));

    public int Attribute(cudaDeviceAttr attribute) => Attribute(attribute, Ordinal);

    public static int Attribute(cudaDeviceAttr attribute, int ordinal)
    {
        int value;
        CudaRt.cudaDeviceGetAttribute(&value, attribute, ordinal).Check(nameof(CudaRt.cudaDeviceGetAttribute));
        return value;
    }

    /// <summary>Memory for internal use; the caller holds the device.</summary>
    /// <exception cref="DeviceMemoryException">There is no room; the device stays usable.</exception>
    public CudaMemoryHandle AllocateMemory(long bytes)
    {
        try
        {
            return CudaMemoryHandle.Allocate(bytes, HasPools ? Stream : null);
        }
        catch (NativeCallException e) when (e.StatusCode == (long)cudaError_t.cudaErrorMemoryAllocation)
        {
            throw new DeviceMemoryException(Id, bytes, e);
        }
    }

    /// <summary>Waits for all work; the caller holds the device.</summary>
    public void Wait() => CudaRt.cudaStreamSynchronize(Stream.Raw).Check(nameof(CudaRt.cudaStreamSynchronize));

    /// <summary>As <see cref="Wait"/>, before something goes that work may still use; what failed there has been or will be told elsewhere.</summary>
    public void Settle() => _ = CudaRt.cudaStreamSynchronize(Stream.Raw);

    /// <inheritdoc/>
    public override DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (Gate)
        {
            try
            {
                Enter();
                return new CudaBuffer(this, bytes);
            }
            catch (NativeCallException e)
            {
                throw Translate(e);
            }
        }
    }

    /// <inheritdoc/>
    public override ValueTask SynchronizeAsync()
    {
        lock (Gate)
        {
            try
            {
                Enter();
                return Completions.AfterAll();
            }
            catch (NativeCallException e)
            {
                throw Translate(e);
            }
        }
    }

    public static ConvNativeException Translate(NativeCallException e) => new(CuDnnBackend.BackendName, e.Message, e.Function, e.StatusName, null, e);

    /// <summary>Frees what the device holds. Nothing may use it any more; the caller does not hold it.</summary>
    public void Dispose()
    {
        // Handles want their device to be the thread's; where that fails they are let go all the same.
        _ = CudaRt.cudaSetDevice(Ordinal);

        // Waits for the thread that ends tasks, and what that does for them may need the device.
        Completions?.Dispose();
        lock (Gate)
        {
            if (Stream is not null) Settle();
            for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
            _owned.Clear();
            _blas = null;
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Id} {Name} ({ComputeCapability / 10}.{ComputeCapability % 10})");

    // By default a pool gives its memory back to the system at every wait.
    private void KeepPoolMemory()
    {
        cudaMemPool_t pool;
        if (CudaRt.cudaDeviceGetDefaultMemPool(&pool, Ordinal) != cudaError_t.cudaSuccess)
        {
            _ = CudaRt.cudaGetLastError();
            return;
        }

        ulong keep = ulong.MaxValue;
        if (CudaRt.cudaMemPoolSetAttribute(pool, cudaMemPoolAttr.cudaMemPoolAttrReleaseThreshold, &keep) != cudaError_t.cudaSuccess) _ = CudaRt.cudaGetLastError();
    }
}
