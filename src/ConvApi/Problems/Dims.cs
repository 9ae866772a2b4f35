using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace ConvNative.Problems;

/// <summary>An immutable list of sizes (a shape, or one number per spatial axis) with value equality.</summary>
[CollectionBuilder(typeof(Dims), nameof(Create))]
[SuppressMessage("Naming", "CA1710", Justification = "A shape is not a collection type name.")]
public readonly struct Dims : IEquatable<Dims>, IReadOnlyList<long>
{
    private readonly long[]? _values;

    private Dims(long[] values) => _values = values;

    /// <summary>Copies the given sizes.</summary>
    public static Dims Create(ReadOnlySpan<long> values) => new(values.ToArray());

    /// <summary>Makes <paramref name="count"/> times the same value.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public static Dims Repeat(long value, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var v = new long[count];
        Array.Fill(v, value);
        return new Dims(v);
    }

    /// <summary>Number of entries.</summary>
    public int Count => _values?.Length ?? 0;

    /// <summary>The entry at <paramref name="index"/>.</summary>
    public long this[int index] => _values is null ? throw new ArgumentOutOfRangeException(nameof(index)) : _values[index];

    /// <summary>The entries, read-only.</summary>
    public ReadOnlySpan<long> Span => _values;

    /// <summary>Product of all entries (1 for an empty list); throws <see cref="OverflowException"/> past 2^63.</summary>
    public long Product
    {
        get
        {
            long p = 1;
            foreach (long v in Span) p = checked(p * v);
            return p;
        }
    }

    /// <summary>The entries from <paramref name="start"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than <paramref name="start"/> entries.</exception>
    public Dims Slice(int start) => Slice(start, Count);

    /// <summary>The entries from <paramref name="start"/> up to, and without, <paramref name="end"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the list.</exception>
    public Dims Slice(int start, int end)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, Count);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, end);
        return new Dims(Span[start..end].ToArray());
    }

    /// <summary>This list with <paramref name="values"/> in front.</summary>
    public Dims Prepend(params ReadOnlySpan<long> values) => new([.. values, .. Span]);

    /// <summary>Dense row-major strides, in elements.</summary>
    public Dims DenseStrides()
    {
        var s = new long[Count];
        long step = 1;
        for (int i = Count - 1; i >= 0; i--)
        {
            s[i] = step;
            step *= Math.Max(1, this[i]);
        }

        return new Dims(s);
    }

    /// <summary>A copy as an array.</summary>
    public long[] ToArray() => Span.ToArray();

    /// <inheritdoc/>
    public bool Equals(Dims other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Dims d && Equals(d);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var h = new HashCode();
        foreach (long v in Span) h.Add(v);
        return h.ToHashCode();
    }

    /// <summary>Value equality.</summary>
    public static bool operator ==(Dims a, Dims b) => a.Equals(b);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(Dims a, Dims b) => !a.Equals(b);

    /// <summary>For example <c>[1,3,224,224]</c>.</summary>
    public override string ToString() => $"[{string.Join(',', Span.ToArray())}]";

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)(_values ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
