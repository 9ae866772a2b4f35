using ConvNative.Backends.Common.Geometry;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>Neighbouring small indices that see the same taps: first tap and end.</summary>
internal readonly record struct TapClass(int From, int To, int FirstTap, int EndTap)
{
    public int Taps => EndTap - FirstTap;
}

/// <summary>
/// One axis under zero padding, for kernels that leave padding out instead of multiplying it: the small indices for which a tap
/// reads an element, and the other way round.
/// </summary>
internal sealed class TapSpans
{
    private readonly AxisMap _map;

    public TapSpans(AxisMap map)
    {
        _map = map;
        From = new int[map.Kernel];
        To = new int[map.Kernel];
        for (int k = 0; k < map.Kernel; k++) (From[k], To[k]) = map.Readers(k);

        var classes = new List<TapClass>();
        for (int p = 0; p < map.Small; p++)
        {
            (int first, int end) = map.Taps(p);
            if (first == end) continue;
            if (classes.Count > 0 && classes[^1] is var last && last.To == p && (last.FirstTap, last.EndTap) == (first, end)) classes[^1] = last with { To = p + 1 };
            else classes.Add(new TapClass(p, p + 1, first, end));
        }

        Classes = [.. classes];
    }

    /// <summary>First small index that reads an element under each tap.</summary>
    public int[] From { get; }

    /// <summary>End of the small indices that do.</summary>
    public int[] To { get; }

    /// <summary>Small indices by the taps that they see, in order; those that see none are left out.</summary>
    public TapClass[] Classes { get; }

    /// <summary>Big index of (p, k), inside or not.</summary>
    public long Place(int p, int k) => _map.Place(p, k);
}
