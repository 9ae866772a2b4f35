using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Oracle.Verdicts;

/// <summary>
/// Memory for an engine's result: poisoned beforehand, with guard bands on both sides, so that elements never written and writes
/// beyond the ends are found. Owns native memory; the payload starts at a multiple of 64 bytes.
/// </summary>
public sealed unsafe class GuardedBuffer : IDisposable
{
    private const int Band = 4096;
    private const byte GuardByte = 0xA5;
    private byte* _memory;

    /// <summary>Allocates <paramref name="bytes"/> and poisons them.</summary>
    public GuardedBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Length = checked((int)bytes);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Length + (2L * Band)), 64);
        Poison();
    }

    /// <summary>Length of the payload in bytes.</summary>
    public int Length { get; }

    /// <summary>The payload; valid until disposal.</summary>
    public Span<byte> Payload
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory is null, this);
            return new Span<byte>(_memory + Band, Length);
        }
    }

    /// <summary>Sets payload and bands anew: all bits one (a NaN of every floating-point type, -1 as an integer) between guard bytes.</summary>
    public void Poison()
    {
        Payload.Fill(0xFF);
        new Span<byte>(_memory, Band).Fill(GuardByte);
        new Span<byte>(_memory + Band + Length, Band).Fill(GuardByte);
    }

    /// <summary>
    /// Null when the bands are whole and no element of <paramref name="type"/> is still poison; else a sentence that says what
    /// is wrong. Integers are not searched for poison (-1 and 255 are answers too).
    /// </summary>
    public string? Check(DataType type)
    {
        ObjectDisposedException.ThrowIf(_memory is null, this);
        int before = new Span<byte>(_memory, Band).IndexOfAnyExcept(GuardByte);
        if (before >= 0) return $"wrote {Band - before} bytes before the start of the result";
        int after = new Span<byte>(_memory + Band + Length, Band).LastIndexOfAnyExcept(GuardByte);
        if (after >= 0) return $"wrote {after + 1} bytes after the end of the result";
        if (type.IsInteger()) return null;
        int size = type.SizeOf();
        long left = 0, first = -1;
        ReadOnlySpan<byte> payload = Payload;
        for (int i = 0; i + size <= Length; i += size)
        {
            if (payload[i] != 0xFF || payload.Slice(i, size).ContainsAnyExcept((byte)0xFF)) continue;
            if (left++ == 0) first = i / size;
        }

        return left == 0 ? null : $"left {left} of {Length / size} elements unwritten, the first at physical index {first}";
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        if (_memory is null) return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory if nobody did.</summary>
    ~GuardedBuffer() => Dispose();
}
