using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace ConvNative.Cli.Checking;

/// <summary>
/// Memory outside the collector's heap for one tensor of a plan, with a band of known bytes before and after it, and a
/// fingerprint of its own contents. The buffer owns the memory.
/// </summary>
public sealed unsafe class TensorMemory : IDisposable
{
    private const int Band = 4096;
    private const byte BandValue = 0xC3;
    private readonly string _name;
    private readonly byte* _block;
    private readonly byte* _data;
    private readonly nuint _blockBytes;
    private ulong _seal;
    private bool _sealed;
    private bool _disposed;

    /// <summary>
    /// <paramref name="bytes"/> bytes, page-aligned plus <paramref name="skew"/> bytes: callers' slices are aligned to no more
    /// than their elements.
    /// </summary>
    /// <exception cref="ArgumentException">More than a span can hold.</exception>
    public TensorMemory(string name, long bytes, int skew)
    {
        if (bytes is < 0 or > int.MaxValue) throw new ArgumentException($"{name} = {bytes} bytes: must fit 2^31 - 1");
        _name = name;
        Length = (int)bytes;
        _blockBytes = (nuint)(Band + skew + bytes + Band);
        _block = (byte*)NativeMemory.AlignedAlloc(_blockBytes, 4096);
        _data = _block + Band + skew;
        new Span<byte>(_block, Band + skew).Fill(BandValue);
        new Span<byte>(_data + bytes, (int)(_block + _blockBytes - (_data + bytes))).Fill(BandValue);
    }

    /// <summary>Frees what nobody disposed.</summary>
    ~TensorMemory() => Free();

    /// <summary>Bytes of the tensor.</summary>
    public int Length { get; }

    /// <summary>The tensor.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return new Span<byte>(_data, Length);
        }
    }

    /// <summary>Remembers the contents, for <see cref="Damage"/>.</summary>
    public void Seal()
    {
        _seal = XxHash3.HashToUInt64(Span);
        _sealed = true;
    }

    /// <summary>Fills the tensor with one byte value, and forgets the seal.</summary>
    public void Fill(byte value)
    {
        Span.Fill(value);
        _sealed = false;
    }

    /// <summary>What was written that should not have been: names the place; null when nothing was.</summary>
    public string? Damage()
    {
        int before = FirstOther(_block, (int)(_data - _block), fromEnd: true);
        if (before != 0) return $"{_name}: a byte was written {before} bytes before the tensor's begin";
        byte* end = _data + Length;
        int after = FirstOther(end, (int)(_block + _blockBytes - end), fromEnd: false);
        if (after != 0) return $"{_name}: a byte was written {after - 1} bytes past the tensor's end";
        return _sealed && XxHash3.HashToUInt64(Span) != _seal ? $"{_name}: its contents were changed" : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    // Distance (1 = adjacent) of the nearest byte that is not the band's, or 0.
    private static int FirstOther(byte* p, int count, bool fromEnd)
    {
        var band = new ReadOnlySpan<byte>(p, count);
        int at = fromEnd ? band.LastIndexOfAnyExcept(BandValue) : band.IndexOfAnyExcept(BandValue);
        return at < 0 ? 0 : fromEnd ? count - at : at + 1;
    }

    private void Free()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_block);
    }
}
