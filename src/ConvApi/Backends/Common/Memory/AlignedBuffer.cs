using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;

namespace ConvNative.Backends.Common.Memory;

/// <summary>Native memory aligned to a cache line (to a page from there on), zeroed when made; freed by <see cref="Dispose"/> or the finaliser.</summary>
internal sealed unsafe class AlignedBuffer : CriticalFinalizerObject, IDisposable
{
    public const int Alignment = 64;
    private const int Page = 4096;
    private static long s_live;
    private void* _memory;

    /// <exception cref="MemoryBudgetException">The plan that is being made on this thread would hold too much.</exception>
    public AlignedBuffer(long bytes)
    {
        Bytes = bytes;
        MemoryBudget.Take(Math.Max(bytes, Alignment));
        _memory = NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), bytes >= Page ? Page : (nuint)Alignment);
        NativeMemory.Clear(_memory, checked((nuint)Math.Max(bytes, Alignment)));
        Interlocked.Add(ref s_live, Bytes);
        MemoryBudget.Remember(this);
    }

    ~AlignedBuffer() => Free();

    public long Bytes { get; }

    /// <summary>Bytes of all buffers of the process now.</summary>
    public static long LiveBytes => Interlocked.Read(ref s_live);

    public void* Pointer => _memory;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_memory == null) return;
        Interlocked.Add(ref s_live, -Bytes);
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
