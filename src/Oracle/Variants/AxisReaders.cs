using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// For each element of an axis the (tap, output) pairs that read it, taps ascending. Listed once where they are few; where they are many, which
/// would be outputs times taps, they are found anew for each question.
/// </summary>
internal sealed class AxisReaders
{
    private const long MostListed = 1 << 20;

    private readonly Axis _a;
    private readonly PaddingMode _mode;
    private readonly List<(int K, int P)>[]? _lists;

    public AxisReaders(Axis a, PaddingMode mode)
    {
        (_a, _mode) = (a, mode);
        if ((long)a.Kernel * a.Output <= MostListed)
        {
            _lists = [.. Enumerable.Range(0, a.Input).Select(_ => new List<(int K, int P)>())];
            for (int k = 0; k < a.Kernel; k++)
                for (int p = 0; p < a.Output; p++)
                    if (Extension.Source(a, k, p, mode) is >= 0 and var q) _lists[q].Add((k, p));
            Most = _lists.Max(l => l.Count);
        }
        else if (!Repeats) Most = a.Kernel;
        else
        {
            var counts = new int[a.Input];
            for (int k = 0; k < a.Kernel; k++)
                for (int p = 0; p < a.Output; p++) counts[Extension.Source(a, k, p, mode)]++;
            Most = counts.Max();
        }
    }

    /// <summary>Most pairs of an element.</summary>
    public int Most { get; }

    private bool Repeats => _mode is not (PaddingMode.Zeros or PaddingMode.Constant);

    /// <summary>The pairs that read element <paramref name="q"/>.</summary>
    public List<(int K, int P)> Of(int q)
    {
        if (_lists is not null) return _lists[q];
        var pairs = new List<(int K, int P)>();
        for (int k = 0; k < _a.Kernel; k++)
        {
            if (Repeats)
            {
                for (int p = 0; p < _a.Output; p++)
                    if (Extension.Source(_a, k, p, _mode) == q) pairs.Add((k, p));
                continue;
            }

            long start = (long)q + _a.Begin - ((long)k * _a.Dilation);
            if (start >= 0 && start % _a.Stride == 0 && start / _a.Stride < _a.Output) pairs.Add((k, (int)(start / _a.Stride)));
        }

        return pairs;
    }
}
