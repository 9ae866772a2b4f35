using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>How <c>cpu_planes.cl</c> cuts a problem, and the tables that its kernels read.</summary>
internal sealed class CpuPlanesGeometry
{
    // Planes of a part stay in a first-level cache, or nearly.
    private const long PanelBytes = 32 * 1024;
    private const int PartsPerUnit = 8;
    private const int FewestRows = 4;

    // Numbers of a phase in the tables; what a number takes while they are made, in lists that grow.
    private const int PhaseNumbers = 16;
    private const int NumberBytes = 32;

    private readonly View _view;
    private readonly int _most;
    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly PhaseAxis _d;
    private readonly PhaseAxis _h;
    private readonly PhaseAxis _w;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly int _pitch;
    private readonly int _planeRows;
    private readonly int _rowParts;
    private readonly long _slot;
    private readonly long _plane;
    private readonly long _flat;

    public CpuPlanesGeometry(View view, CpuVectors vectors, int elementSize, int units, CpuCut cut = default)
    {
        (_view, _most) = (view, vectors.Accumulators);
        ConvProblem p = view.Problem;
        bool down = view.IsDown;
        (_from, _to) = down ? (view.Big, view.Small) : (view.Small, view.Big);
        _inputs = (down ? view.BigChannels : view.SmallChannels) / view.Groups;
        _outputs = (down ? view.SmallChannels : view.BigChannels) / view.Groups;
        PaddingMode mode = down ? p.PaddingMode : PaddingMode.Zeros;
        (_d, _h, _w) = (Axis(0), Axis(1), Axis(2));
        ReadsOutside = _d.ReadsOutside || _h.ReadsOutside || _w.ReadsOutside;

        // Columns and rows of each residue of the stride form planes of their own: a step of one result is a step of one element.
        _pitch = (_w.PanelSize(_w.Count) + _w.PanelStep - 1) / _w.PanelStep;
        long pixels = (((long)_h.Count - 1) * _pitch) + _w.Count;
        Vectors = pixels <= vectors.Lanes ? 1 : pixels <= 2 * vectors.Lanes || _outputs > vectors.Accumulators / 4 ? 2 : 4;
        Tile = EqualTiles.Of(_outputs, MostOutputs(Vectors));
        if (cut.Rows > 0) (Tile, Vectors) = (cut.Rows, cut.Vectors);
        int lanes = Vectors * vectors.Lanes, slots = Math.Max(1, _d.Offsets.Length);
        long row = checked((long)_pitch * _w.PanelStep * _h.PanelStep * slots * _inputs * elementSize);
        int rows = (int)Math.Clamp(((cut.Panel > 0 ? cut.Panel * 1024L : PanelBytes) / row) - (_h.Span / _h.PanelStep), Math.Min(_h.Count, FewestRows), _h.Count);
        long others = p.Batch * view.Groups * _d.Count, least = cut.Parts > 0 ? cut.Parts : (long)PartsPerUnit * units;
        _rowParts = (_h.Count + rows - 1) / rows;
        if (others * _rowParts < least) _rowParts = (int)Math.Clamp(least / others, 1, Math.Max(1, _h.Count / FewestRows));
        RowsPerPart = (_h.Count + _rowParts - 1) / _rowParts;
        _rowParts = (_h.Count + RowsPerPart - 1) / RowsPerPart;
        _planeRows = (_h.PanelSize(RowsPerPart) + _h.PanelStep - 1) / _h.PanelStep;
        _slot = checked((long)_pitch * _planeRows * _w.PanelStep * _h.PanelStep);
        _plane = checked(_slot * slots);
        _flat = (((long)RowsPerPart * _pitch) + (2L * lanes) - 1) / lanes * lanes;

        // Vectors behind the last row read on.
        LocalBytes = checked(((_flat * Tile) + (_plane * _inputs) + (2 * lanes)) * elementSize);
        WorkGroups = others * _rowParts;
        MemoryBudget.Take(((_d.Phases.Length * (Int128)_h.Phases.Length * _w.Phases.Length * PhaseNumbers) + (view.Taps * 2L) + (_d.Count * (Int128)slots) + _w.PanelSize(_w.Count) + _h.PanelSize(_rowParts * RowsPerPart)) * NumberBytes);
        (Table, WeightTable, PackedElements) = Describe();

        PhaseAxis Axis(int i) => new(view.Axes[i], down, view.Flip, mode);
    }

    public bool ReadsOutside { get; }

    /// <summary>Output channels of a tile.</summary>
    public int Tile { get; }

    /// <summary>Vectors of pixels of a tile.</summary>
    public int Vectors { get; }

    public int RowsPerPart { get; }

    public int Phases => _d.Phases.Length * _h.Phases.Length * _w.Phases.Length;

    /// <summary>Local memory of a work-group.</summary>
    public long LocalBytes { get; }

    public long WorkGroups { get; }

    public long PackedElements { get; }

    public int Outputs => _outputs * _view.Groups;

    /// <summary>Whether <paramref name="cut"/> is one of this problem's on a device with so much local memory.</summary>
    public bool Suits(CpuCut cut) => cut.Source == CpuSource.Any && (cut.Rows == 0 || (cut.Vectors is 1 or 2 or 4 && cut.Rows <= Math.Min(_outputs, MostOutputs(cut.Vectors))));

    /// <summary>Cuts that differ from <paramref name="cut"/> in one thing.</summary>
    public IEnumerable<CpuCut> Near(CpuCut cut, int units)
    {
        foreach (int parts in CpuRoutine.Parts(units)) yield return cut with { Parts = parts };
        foreach (int panel in (int[])[8, 16, 64, 128]) yield return cut with { Panel = panel };
        foreach (int vectors in (int[])[4, 2, 1]) yield return cut with { Rows = EqualTiles.Of(_outputs, MostOutputs(vectors)), Vectors = vectors };
    }

    public long[] Table { get; }

    public long[] WeightTable { get; }

    private int MostOutputs(int vectors) => Math.Min(14, _most / vectors);

    /// <summary>Where an entry of the padded rows and columns lies within a slot.</summary>
    private long Place(int row, int column) =>
        (((((row % _h.PanelStep * (long)_w.PanelStep) + (column % _w.PanelStep)) * _planeRows) + (row / _h.PanelStep)) * _pitch) + (column / _w.PanelStep);

    private (long[] Table, long[] Weights, long Packed) Describe()
    {
        ConvProblem p = _view.Problem;
        Strides5 ws = Strides5.Of(p.WeightShape, p.WeightLayout);
        (long channel, long from, long group) = _view.IsDown ? (ws.N, ws.C, _outputs * ws.N) : (ws.C, ws.N, _inputs * ws.N);
        int columns = _w.PanelSize(_w.Count), slots = _d.Offsets.Length, entries = _h.PanelSize(_rowParts * RowsPerPart);
        int inner = Enumerable.Range(0, columns).FirstOrDefault(IsPlain, columns), end = inner;
        while (end < columns && IsPlain(end)) end++;
        if (_w.Division != 1) inner = end = columns;
        const int header = 33, record = 12, weightHeader = 7, weightRecord = 3;
        int depths = _d.Count * slots, phaseTable = header + depths + entries + columns;
        List<long> t =
        [
            _view.Groups, _d.Count, _rowParts, RowsPerPart, _inputs, _outputs, Phases, _from.N, _from.C, _from.D, _from.H, _to.N, _to.C, _to.D, _to.H, _to.W,
            slots, _slot, _plane, _planeRows, _pitch, _h.PanelStep, _w.PanelStep, columns, inner, end, _flat,
            header, header + depths, header + depths + entries, _h.PanelStep, _h.Span, phaseTable,
        ];
        for (int i = 0; i < _d.Count; i++)
            foreach (int o in _d.Offsets) t.Add(_d.SourceAt(i, o));
        for (int i = 0; i < entries; i++) t.Add(_h.Source(0, i));
        for (int i = 0; i < columns; i++) t.Add(_w.Source(0, i));
        t.AddRange(new long[record * Phases]);
        List<long> w = [Phases, _inputs, _outputs, group, channel, from, Outputs, weightHeader + 1];
        w.AddRange(new long[weightRecord * Phases]);
        long place = 0;
        int n = 0;
        foreach (Phase d in _d.Phases)
            foreach (Phase h in _h.Phases)
                foreach (Phase c in _w.Phases)
                {
                    int taps = d.Offset.Length * h.Offset.Length * c.Offset.Length;
                    long[] phase = [d.First, d.Step, d.Count, h.First, h.Step, h.Count, c.First, c.Step, c.Count, taps, t.Count, place];
                    long[] weights = [taps, w.Count, place];
                    for (int i = 0; i < record; i++) t[phaseTable + (n * record) + i] = phase[i];
                    for (int i = 0; i < weightRecord; i++) w[weightHeader + 1 + (n * weightRecord) + i] = weights[i];
                    n++;
                    place += (long)Outputs * taps * _inputs;
                    for (int i = 0; i < d.Offset.Length; i++)
                        for (int j = 0; j < h.Offset.Length; j++)
                            for (int k = 0; k < c.Offset.Length; k++)
                            {
                                t.Add((Array.IndexOf(_d.Offsets, d.Offset[i]) * _slot) + Place((h.Offset[j] - _h.Lowest) / _h.Division, (c.Offset[k] - _w.Lowest) / _w.Division));
                                w.Add((d.Weight[i] * ws.D) + (h.Weight[j] * ws.H) + (c.Weight[k] * ws.W));
                            }
                }

        return ([.. t], [.. w], place);

        bool IsPlain(int q) => _w.Lowest + ((long)q * _w.Division) is long s && s >= 0 && s < _w.SourceSize;
    }
}
