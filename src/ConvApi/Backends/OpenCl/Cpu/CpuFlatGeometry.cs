using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>How cpu_flat cuts planes, and the numbers that its kernel needs for it.</summary>
internal sealed class CpuFlatGeometry
{
    private const long LeastWork = 2_000;
    private const int PartsPerUnit = 8;
    private const int FewestRows = 8;

    // What a number takes in a list that grows.
    private const int NumberBytes = 24;

    // A part's rows stay in a first-level cache.
    private const int PanelBytes = 24 * 1024;

    private readonly int _lanes;
    private readonly int _width;

    public CpuFlatGeometry(View view, CpuVectors vectors, int elementSize, int units, CpuCut cut)
    {
        ConvProblem p = view.Problem;
        bool down = view.IsDown;
        PhaseAxis h = new(view.Axes[1], down, view.Flip, PaddingMode.Zeros), w = new(view.Axes[2], down, view.Flip, PaddingMode.Zeros);
        (Rows, Columns) = (h.Phases[0], w.Phases[0]);
        (Strides5 from, Strides5 to) = down ? (view.Big, view.Small) : (view.Small, view.Big);
        Channels = view.BigChannels;
        _lanes = vectors.Lanes;
        _width = Columns.Count;
        int rows = Rows.Count, kh = Rows.Offset.Length;
        RowsPerVector = Math.Max(1, _lanes / _width);

        long work = p.Batch * Channels * (long)rows * _width / _lanes * kh * Columns.Offset.Length;
        long parts = cut.Parts > 0 ? cut.Parts : Math.Clamp(work / LeastWork, 1, (long)PartsPerUnit * units);
        long planes = p.Batch * Channels;
        int fewest = Math.Min(rows, Math.Max(1, PanelBytes / elementSize / _width));
        int rowParts = Math.Max((rows + fewest - 1) / fewest, (int)Math.Clamp(parts / planes, 1, Math.Max(1, rows / FewestRows)));
        RowsPerPart = (rows + rowParts - 1) / rowParts;
        rowParts = (rows + RowsPerPart - 1) / RowsPerPart;
        int channelsPerPart = (int)Math.Clamp(planes * rowParts / parts, 1, Channels), channelParts = (Channels + channelsPerPart - 1) / channelsPerPart;
        WorkGroups = p.Batch * rowParts * channelParts;
        int vectorRows = (RowsPerPart + RowsPerVector - 1) / RowsPerVector;
        Tile = cut.Rows > 0 ? cut.Rows : EqualTiles.Of(vectorRows, Math.Min(8, MostRows(vectors)));

        // Vectors begin up to one before the rows and end behind those of the last tile.
        long tile = (long)Tile * RowsPerVector, panelRows = ((RowsPerPart + tile - 1) / tile * tile) + kh;
        LocalBytes = ((panelRows * _width) + (4 * _lanes)) * elementSize;
        Table = [Channels, channelsPerPart, channelParts, rows, RowsPerPart, rowParts, h.SourceSize, _width, Rows.Offset[0], Columns.Offset[0], from.N, from.C, to.N, to.C];
    }

    /// <summary>Results and taps of an axis; both axes have one phase.</summary>
    public Phase Rows { get; }

    public Phase Columns { get; }

    public int Channels { get; }

    /// <summary>Vectors of a tile.</summary>
    public int Tile { get; }

    /// <summary>Rows from one vector of a tile to the next.</summary>
    public int RowsPerVector { get; }

    public int RowsPerPart { get; }

    public long WorkGroups { get; }

    /// <summary>Local memory of a work-group: all rows that a part's taps read.</summary>
    public long LocalBytes { get; }

    /// <summary>The kernel's numbers.</summary>
    public long[] Table { get; }

    /// <summary>For each vector of a row and each column of taps: all ones where the tap stays in the row of its result.</summary>
    public long[] Masks
    {
        get
        {
            MemoryBudget.Take((_width + (Int128)_lanes) * Columns.Offset.Length * NumberBytes);
            var masks = new List<long>();
            for (int q = 0; q < _width; q += _lanes)
            {
                int column = _width >= _lanes ? Math.Min(q, _width - _lanes) : 0;
                foreach (int offset in Columns.Offset)
                    for (int i = 0; i < _lanes; i++) masks.Add((column + i) % _width + offset is int at && at >= 0 && at < _width ? -1 : 0);
            }

            return [.. masks];
        }
    }

    /// <summary>Vectors of the largest tile: two sums for each, the vector that is read, and a weight or two fit the registers.</summary>
    public static int MostRows(CpuVectors vectors) => vectors.Accumulators >= 28 ? 12 : 6;
}
