using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;

namespace ConvNative.Backends.Common;

/// <summary>Native memory aligned to a cache line (to a page from there on), zeroed when made; freed by <see cref="Dispose"/> or the finaliser.</summary>
internal sealed unsafe class AlignedBuffer : CriticalFinalizerObject, IDisposable
{
    public const int Alignment = 64;
    private const int Page = 4096;
    private void* _memory;

    public AlignedBuffer(long bytes)
    {
        Bytes = bytes;
        _memory = NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), bytes >= Page ? Page : (nuint)Alignment);
        NativeMemory.Clear(_memory, checked((nuint)Math.Max(bytes, Alignment)));
    }

    ~AlignedBuffer() => Free();

    public long Bytes { get; }

    public void* Pointer => _memory;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
