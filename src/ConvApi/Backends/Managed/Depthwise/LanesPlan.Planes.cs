using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;

namespace ConvNative.Backends.Managed.Depthwise;

// Channels-first planes, which are transposed a vector's worth at a time.
internal sealed unsafe partial class LanesPlan<T>
{
    /// <summary>Where transposing planes costs less than what vectors along their pixels waste; dilated columns share no loads, so there it does not.</summary>
    private static bool Transposes(View view, int lanes)
    {
        AxisMap w = view.Axes[2];
        return (w.Stride > 1 || w.Dilation == 1 || w.Kernel == 1) && ((view.IsDown ? w.Small : w.Big) < lanes || !FlatPlan<T>.Serves(view));
    }

    /// <summary>Some rows of a vector's worth of channels-first planes: there, computed, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Band(long part, int worker, nint* inner)
    {
        int band = (int)(part % _bands), block = (int)(part / _bands % _blocks), c = Channel(block), own = (block * _lanes) - c;
        long n = part / _bands / _blocks;
        int h0 = band * _bandRows, h1 = Math.Min(_h.Count, h0 + _bandRows);
        int first = 0, end = _h.SourceSize;
        if (_bands > 1)
        {
            first = Math.Clamp((h0 * _h.SourceStep) + _h.Offsets[0], 0, end);
            end = Math.Clamp(((h1 - 1) * _h.SourceStep) + _h.Offsets[^1] + 1, first, end);
        }

        T* x = _panels + (worker * _panelElements), y = x + _sourcePanel;
        Transposition.ToPixels(Source + (n * _source.N) + (c * _source.C) + (first * _source.H), 1, _source.C, x, _lanes, (int)((end - first) * _from.H / _lanes), _lanes);
        x -= first * _from.H;
        long row = (long)h0 * _phases[0].H.Step, rows = 0;
        foreach (LanesPhase p in _phases)
        {
            int last = Math.Min(h1, p.H.Count);
            if (last > h0) rows = Math.Max(rows, p.H.First + ((long)p.H.Step * (last - 1)) - row + 1);
            Rows(p, x, y + ((p.H.First - row) * _to.H) + (p.W.First * _to.W), 0, h0, last, new Range32(block, block + 1), inner);
        }

        // The last block's first channels belong to the block before.
        long at = (n * _target.N) + ((c + own) * _target.C) + (row * _target.H);
        int pixels = (int)(rows * _to.H / _lanes);
        Transposition.ToChannels(y + own, _lanes, (T*)Now.Result + at, _target.C, 1, pixels, _lanes - own);
        if (Post.IsNone) return;
        for (int l = own; l < _lanes; l++, at += _target.C) Finish(at, pixels);
    }
}
