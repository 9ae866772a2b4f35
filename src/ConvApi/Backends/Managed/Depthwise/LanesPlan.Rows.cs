using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Kernels;

namespace ConvNative.Backends.Managed.Depthwise;

// Kernels that share what they load along a row, or two.
internal sealed unsafe partial class LanesPlan<T>
{
    /// <summary>Kernels of rows that share what they load, and of two such rows: pixels and kernel of each, or zeros.</summary>
    private (int Pixels, nint Row, int TilePixels, nint Tile) ChooseRow(Phase columns)
    {
        int taps = columns.Offset.Length, step = _w.SourceStep, count = columns.Count;
        if (Row(1) == 0) return default;

        int pixels = EqualTiles.Best(count, [8, 7, 4, 2, 1]);
        bool square = !_spreads && _d is { Offsets: [0], ReadsOutside: false } && _h.Phases is [var rows] && OneStep(rows.Offset) && rows.Offset.Length == taps && _h.SourceStep == step;
        int tile = square ? EqualTiles.Best(count, ((int[])[8, 7, 4]).Where(r => _set.Tile(taps, step, r) != null)) : 0;
        return (pixels, Row(pixels), tile, tile == 0 ? 0 : (nint)_set.Tile(taps, step, tile));

        nint Row(int r) => (nint)(_spreads ? _set.GroupRow(taps, step, r) : _set.Row(taps, step, r));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TwoRows(LanesPhase p, T* x, T* y, int d, int h, Range32 blocks)
    {
        int row = (h * _h.SourceStep) + p.H.Offset[0], left = p.W.Offset[0], step = _w.SourceStep, size = _w.SourceSize, count = p.W.Count;
        x += (d * _d.SourceStep * _from.D) + (row * _from.H);
        MicroArguments q = new()
        {
            AStep = checked((nint)(_from.W * sizeof(T))),
            ALine = checked((nint)(_from.H * sizeof(T))),
            FirstRow = -row,
            EndRow = _h.SourceSize - row,
            OutStep = checked((nint)(_to.W * sizeof(T))),
            OutLine = checked((nint)(_to.H * sizeof(T))),
        };
        for (int w = 0; w < count; w += _tilePixels)
        {
            int w0 = Math.Min(w, count - _tilePixels), column = (w0 * step) + left;
            (q.First, q.End) = (-column, size - column);
            Blocks(ref q, (delegate*<MicroArguments*, void>)_tile, x + (column * _from.W), y + (w0 * _to.W), blocks);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WholeRow(LanesPhase p, T* x, T* y, int d, int h, Range32 blocks, nint* table)
    {
        int taps = 0, kh = View.Axes[1].Kernel, kw = View.Axes[2].Kernel;
        int[] depths = p.D.Offset, heights = p.H.Offset;
        for (int i = 0; i < depths.Length; i++)
            for (int j = 0; j < heights.Length; j++)
            {
                int sd = (d * _d.SourceStep) + depths[i], sh = (h * _h.SourceStep) + heights[j];
                if ((uint)sd >= (uint)_d.SourceSize || (uint)sh >= (uint)_h.SourceSize) continue;
                table[2 * taps] = checked((nint)(((sd * _from.D) + (sh * _from.H)) * sizeof(T)));
                table[(2 * taps) + 1] = (nint)((p.D.Weight[i] * kh) + (_tile != 0 ? j : p.H.Weight[j])) * kw * _inputs * _lanes * sizeof(T);
                taps++;
            }

        MicroArguments q = new()
        {
            AStep = checked((nint)(_from.W * sizeof(T))),
            OutStep = checked((nint)(_to.W * sizeof(T))),
            Taps = table,
            TapCount = taps,
            Run = _inputs,
            Index = (byte*)_index,
        };
        for (int w = 0; w < p.W.Count; w += _rowTile)
        {
            int w0 = Math.Min(w, p.W.Count - _rowTile), column = (w0 * _w.SourceStep) + p.W.Offset[0];
            (q.First, q.End) = (-column, _w.SourceSize - column);
            Blocks(ref q, (delegate*<MicroArguments*, void>)_row, x + (column * _from.W), y + (w0 * _to.W), blocks);
        }
    }
}
