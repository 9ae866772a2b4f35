using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;

namespace ConvNative.Backends.Managed.Dense;

// Few inputs and many outputs, as in first layers: a line of the panel has a row of each input, and results are stored where they belong.
internal sealed unsafe partial class PlanePlan<T>
{
    // Several tiles of channels read them again from a second-level cache, where each line serves more products.
    private const long WidePanelBytes = 128 * 1024;

    // A first layer's planes: rows of so few are sooner sorted by the stride than transposed, and results are stored where they belong.
    private const int FewInputs = 4;
    private const int LeastTaps = 9;

    /// <summary>Few input planes whose result rows fill two vectors; with neighbouring kernel rows, so that those of a column are one run of lines.</summary>
    private static bool IsWide(View view)
    {
        AxisMap w = view.Axes[2];
        int lanes = KernelSet.For<T>().Lanes, inputs = view.BigChannels / view.Groups, outputs = view.SmallChannels / view.Groups;
        return view.IsDown && inputs <= FewInputs && outputs * 2 > lanes && view.Small.C != 1 && view.Taps >= LeastTaps && view.Axes[1].Dilation == 1 && w.Stride <= 2 && w.Small >= 2 * lanes;
    }

    /// <summary>Rows h0 to h1 of many outputs, from lines of all inputs: two vectors of a row at a time, or the one that is left, moved back to end with the row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputeWide(PlanePhase p, T* panel, long n, int group, int depth, int h0, int h1)
    {
        int columns = p.W.Count, tiles = _outputs / _tile, rest = _outputs % _tile;
        long first = (long)group * _outputs, weights = (long)p.Taps * _inputs, start = (n * _to.N) + (first * _to.C) + (depth * _to.D) + (h0 * _to.H);
        MicroArguments q = new()
        {
            AStep = checked((nint)(weights * sizeof(T))),
            AElement = sizeof(T),
            BStep = (nint)_pitch * sizeof(T),
            Taps = (nint*)p.Table,
            TapCount = p.D.Offset.Length * p.W.Offset.Length,
            Run = p.H.Offset.Length * _inputs,
            InitStep = _lanes * sizeof(T),
            OutStep = checked((nint)(_to.C * sizeof(T))),
        };
        for (int h = h0; h < h1; h++, panel += _h.PanelStep * _linePitch, start += _to.H)
        {
            for (int w = 0; w < columns; w += _lanes)
            {
                int vectors = columns - w <= _vector ? 1 : 2, at = Math.Min(w, columns - (vectors * _vector));
                q.A = (byte*)(_weights + p.Weights + (first * weights));
                q.Init = (byte*)(_init + (first * _lanes));
                q.B = (byte*)(panel + at);
                q.Out = (byte*)((T*)Now.Result + start + at);
                q.Tiles = tiles;
                ((delegate*<MicroArguments*, void>)(vectors == 1 ? _half : _kernel))(&q);
                if (rest == 0) continue;
                q.A += tiles * _tile * q.AStep;
                q.Init += tiles * _tile * q.InitStep;
                q.Out += tiles * _tile * q.OutStep;
                q.Tiles = 1;
                ((delegate*<MicroArguments*, void>)(vectors == 1 ? _restHalf : _rest))(&q);
            }

            if (Post.IsNone) continue;
            for (int o = 0; o < _outputs; o++) Finish(start + (o * _to.C), columns);
        }
    }
}
