using System.Numerics;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// Pinned blocks for reads that nobody waits for: taking them from the system may stop the device. Sizes are powers of two; what is given
/// back is kept up to a limit. Thread-safe.
/// </summary>
internal sealed class PinnedPool : IDisposable
{
    private const long MostKept = 256L << 20;
    private const long Least = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Stack<CudaHostMemoryHandle>> _free = [];
    private long _kept;

    /// <summary>A block of at least <paramref name="bytes"/>; disposing the lease gives it back.</summary>
    public Lease Take(long bytes)
    {
        long size = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(Least, bytes));
        lock (_lock)
        {
            if (_free.TryGetValue(size, out Stack<CudaHostMemoryHandle>? blocks) && blocks.TryPop(out CudaHostMemoryHandle? block))
            {
                _kept -= size;
                return new Lease(this, block, size);
            }
        }

        return new Lease(this, CudaHostMemoryHandle.Allocate(size), size);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (CudaHostMemoryHandle block in _free.Values.SelectMany(blocks => blocks)) block.Dispose();
            _free.Clear();
            _kept = 0;
        }
    }

    private void Return(CudaHostMemoryHandle block, long size)
    {
        lock (_lock)
        {
            if (_kept + size <= MostKept)
            {
                if (!_free.TryGetValue(size, out Stack<CudaHostMemoryHandle>? blocks)) _free[size] = blocks = new Stack<CudaHostMemoryHandle>();
                blocks.Push(block);
                _kept += size;
                return;
            }
        }

        block.Dispose();
    }

    /// <summary>A block in use.</summary>
    internal sealed unsafe class Lease(PinnedPool pool, CudaHostMemoryHandle block, long size) : IDisposable
    {
        private bool _returned;

        public void* Pointer => block.Raw;

        public void Dispose()
        {
            if (_returned) return;
            _returned = true;
            pool.Return(block, size);
        }
    }
}
