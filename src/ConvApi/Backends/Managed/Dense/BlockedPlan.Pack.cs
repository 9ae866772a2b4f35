using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Rearrange;

namespace ConvNative.Backends.Managed.Dense;

internal sealed unsafe partial class BlockedPlan<T>
{
    /// <summary>Packs to [phase][group][block][kernel slice][kernel row][pair of vectors][kernel column][source channel][lane]; only blocks of four vectors have two pairs.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        if (bias != null)
            for (int g = 0; g < _g.Groups; g++)
                foreach (ChannelBlock b in _g.Blocks)
                    for (int c = 0; c < b.Valid; c++)
                        _init[((long)g * _g.Lanes) + b.LaneStart + c] = bias[((long)g * _g.ToPerGroup) + b.First + c];
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        foreach (PhaseTaps phase in _phases)
            for (int g = 0; g < _g.Groups; g++)
                foreach (ChannelBlock b in _g.Blocks) PackBlock(phase, g, b, weights, s);
    }

    private void PackBlock(PhaseTaps phase, int group, ChannelBlock b, T* w, Strides5 s)
    {
        int lanes = b.PairVectors * _set.Lanes;
        T* to = _weights + phase.Weights + (group * phase.GroupWeights) + (b.LaneStart * phase.TapsTimesChannels);
        foreach (int kd in phase.D.Weight)
            foreach (int kh in phase.H.Weight)
                for (int first = 0; first < b.Vectors * _set.Lanes; first += lanes)
                    foreach (int kw in phase.W.Weight)
                        for (int c = 0; c < _g.FromPerGroup; c++, to += lanes)
                            for (int l = 0; l < lanes && first + l < b.Valid; l++) to[l] = w[WeightAt(s, group, b.First + first + l, c, kd, kh, kw)];
    }

    /// <summary>The longest run of panel columns that shows consecutive columns of the source.</summary>
    private (int From, int To) InnerColumns()
    {
        int from = Array.FindIndex(_columns, c => c >= 0), best = 0;
        (int From, int To) run = (0, 0);
        if (from < 0 || _g.W.Division != 1) return run;
        while (from < _columns.Length)
        {
            int to = from + 1;
            while (to < _columns.Length && _columns[from] >= 0 && _columns[to] == _columns[to - 1] + 1) to++;
            if (_columns[from] >= 0 && to - from > best) (best, run) = (to - from, (from, to));
            from = to;
        }

        return run;
    }

    /// <summary>Copies the source rows that output rows h0 to h1 read into the panel, channels innermost, padding in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(T* source, T* panel, int depth, int h0, int h1)
    {
        int rows = _g.H.PanelSize(h1 - h0);
        for (int slot = 0; slot < _g.D.Offsets.Length; slot++)
        {
            int d = _g.D.SourceAt(depth, _g.D.Offsets[slot]);
            for (int r = 0; r < rows; r++)
            {
                T* to = panel + (slot * _g.PanelSlot) + (r * _g.PanelRow);
                int h = _g.H.Source(h0, r);
                if ((d | h) < 0) new Span<T>(to, checked((int)_g.PanelRow)).Fill(PadValue);
                else PackRow(source + (d * _g.Source.D) + (h * _g.Source.H), to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRow(T* source, T* to)
    {
        int channels = _g.FromPerGroup, pixel = _g.PanelPixel, last = _g.PanelColumns;
        PackColumns(source, to, 0, _inner);
        if (_innerEnd > _inner)
        {
            T* from = source + (_columns[_inner] * _g.Source.W), at = to + ((long)_inner * pixel);
            int count = _innerEnd - _inner;
            if (_g.Source.C != 1 && _g.Source.W == 1) Transposition.ToPixels(from, 1, _g.Source.C, at, pixel, count, channels);
            else if (_g.Source.C == 1 && _g.Source.W == channels && pixel == channels) Buffer.MemoryCopy(from, at, (long)count * channels * sizeof(T), (long)count * channels * sizeof(T));
            else if (_g.Source.C == 1) Copy.Runs(from, _g.Source.W, at, pixel, count, channels);
            else PackColumns(source, to, _inner, _innerEnd);
        }

        PackColumns(source, to, _innerEnd, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackColumns(T* source, T* to, int from, int end)
    {
        int channels = _g.FromPerGroup;
        long c = _g.Source.C;
        for (int i = from; i < end; i++)
        {
            T* at = to + ((long)i * _g.PanelPixel);
            if (_columns[i] < 0)
            {
                new Span<T>(at, channels).Fill(PadValue);
                continue;
            }

            T* x = source + (_columns[i] * _g.Source.W);
            if (c == 1) Copy.Run(x, at, channels);
            else
                for (int k = 0; k < channels; k++) at[k] = x[k * c];
        }
    }
}
