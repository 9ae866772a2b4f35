using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Rearrange;

/// <summary>Channel shuffle and its inverse (the gradient).</summary>
internal sealed unsafe class ShufflePlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _channels;
    private readonly int _groups;

    public ShufflePlan(ConvProblem problem, PlanOptions options, string implementation)
        : base(problem, options, implementation, problem.InputShape.Product)
    {
        Strides5 x = Strides5.Of(problem.InputShape, problem.InputLayout), y = Strides5.Of(problem.OutputShape, problem.OutputLayout);
        (_from, _to) = problem.Direction == Direction.Forward ? (x, y) : (y, x);
        _channels = checked((int)problem.InputChannels);
        _groups = checked((int)problem.Groups);
    }

    protected override void Execute() => Spread(Problem.Batch * _channels);

    public override void DoParts(long from, long to, int worker)
    {
        bool forward = Problem.Direction == Direction.Forward;
        Dims s = Problem.InputShape;
        long width = s[^1], height = s.Count > 3 ? s[^2] : 1, depth = s.Count > 4 ? s[^3] : 1;
        int perGroup = _channels / _groups;
        var x = (T*)(forward ? Now.Input : Now.OutputGradient);
        var y = (T*)Now.Result;
        var finish = new Finish<T>(null, (T*)Now.Residual, Problem.PostOps);
        for (long part = from; part < to; part++)
        {
            // Input channel i*(C/G) + j becomes output channel j*G + i.
            long n = part / _channels;
            int c = (int)(part % _channels);
            int shuffled = (c % perGroup * _groups) + (c / perGroup);
            long a = (n * _from.N) + ((forward ? c : shuffled) * _from.C), b = (n * _to.N) + ((forward ? shuffled : c) * _to.C);
            for (long d = 0; d < depth; d++)
                for (long h = 0; h < height; h++)
                {
                    long r = a + (d * _from.D) + (h * _from.H), q = b + (d * _to.D) + (h * _to.H);
                    for (long w = 0; w < width; w++) y[q + (w * _to.W)] = finish.Apply(x[r + (w * _from.W)], 0, q + (w * _to.W));
                }
        }
    }
}

/// <summary>Image to columns: im2col forward, and the gradient of col2im.</summary>
internal sealed unsafe class UnfoldPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly View _view;
    private readonly int _channels;

    public UnfoldPlan(View view, PlanOptions options, string implementation)
        : base(view.Problem, options, implementation, Math.Max(view.Problem.OutputShape.Product, view.Problem.InputShape.Product))
    {
        _view = view;
        _channels = view.BigChannels;
    }

    protected override void Execute() => Spread(Problem.Batch * _channels * _view.Taps);

    public override void DoParts(long from, long to, int worker)
    {
        var (d, h, w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        var image = (T*)(Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient);
        var columns = (T*)Now.Result;
        var finish = new Finish<T>(null, (T*)Now.Residual, Problem.PostOps);
        T pad = T.CreateTruncating(Problem.PadValue);
        for (long part = from; part < to; part++)
        {
            long row = part % ((long)_channels * _view.Taps), n = part / ((long)_channels * _view.Taps);
            int tap = (int)(row % _view.Taps), kw = tap % w.Kernel, kh = tap / w.Kernel % h.Kernel, kd = tap / w.Kernel / h.Kernel;
            T* source = image + (n * _view.Big.N) + (row / _view.Taps * _view.Big.C);
            long at = (n * _view.Small.N) + (row * _view.Small.C);
            for (int pd = 0; pd < d.Small; pd++)
                for (int ph = 0; ph < h.Small; ph++)
                {
                    int sd = d.At(pd, kd), sh = h.At(ph, kh);
                    for (int pw = 0; pw < w.Small; pw++)
                    {
                        int sw = w.At(pw, kw);
                        T v = (sd | sh | sw) < 0 ? pad : source[(sd * _view.Big.D) + (sh * _view.Big.H) + (sw * _view.Big.W)];
                        long index = at + (pd * _view.Small.D) + (ph * _view.Small.H) + (pw * _view.Small.W);
                        columns[index] = finish.Apply(v, 0, index);
                    }
                }
        }
    }
}

/// <summary>Columns to image, summing overlaps: col2im forward, and the gradient of im2col. A part owns a slice of a channel.</summary>
internal sealed unsafe class FoldPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly View _view;
    private readonly int _channels;

    public FoldPlan(View view, PlanOptions options, string implementation)
        : base(view.Problem, options, implementation, Math.Max(view.Problem.OutputShape.Product, view.Problem.InputShape.Product))
    {
        _view = view;
        _channels = view.BigChannels;
    }

    protected override void Execute() => Spread(Problem.Batch * _channels * _view.Axes[0].Big);

    public override void DoParts(long from, long to, int worker)
    {
        var columns = (T*)(Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient);
        var image = (T*)Now.Result;
        var finish = new Finish<T>(null, (T*)Now.Residual, Problem.PostOps);
        int depth = _view.Axes[0].Big, height = _view.Axes[1].Big, width = _view.Axes[2].Big;
        for (long part = from; part < to; part++)
        {
            int d = (int)(part % depth);
            long c = part / depth % _channels, n = part / depth / _channels;
            T* source = columns + (n * _view.Small.N) + (c * _view.Taps * _view.Small.C);
            long plane = (n * _view.Big.N) + (c * _view.Big.C) + (d * _view.Big.D);
            Sum(source, image + plane, d);
            for (int h = 0; h < height; h++)
                for (int w = 0; w < width; w++)
                {
                    long index = plane + (h * _view.Big.H) + (w * _view.Big.W);
                    image[index] = finish.Apply(image[index], 0, index);
                }
        }
    }

    /// <summary>Adds every column element that lies on slice d to its place, positions ascending: the order of each sum.</summary>
    private void Sum(T* source, T* slice, int d)
    {
        (AxisMap a, AxisMap b, AxisMap e) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        for (int h = 0; h < b.Big; h++)
            for (int w = 0; w < e.Big; w++) slice[(h * _view.Big.H) + (w * _view.Big.W)] = T.Zero;
        for (int pd = 0; pd < a.Small; pd++)
            for (int kd = 0; kd < a.Kernel; kd++)
            {
                if (a.At(pd, kd) != d) continue;
                for (int ph = 0; ph < b.Small; ph++)
                    for (int kh = 0; kh < b.Kernel; kh++)
                    {
                        if (b.At(ph, kh) is not (>= 0 and var sh)) continue;
                        T* row = slice + (sh * _view.Big.H), from = source + (pd * _view.Small.D) + (ph * _view.Small.H);
                        long taps = ((long)(kd * b.Kernel) + kh) * e.Kernel;
                        for (int pw = 0; pw < e.Small; pw++)
                            for (int kw = 0; kw < e.Kernel; kw++)
                                if (e.At(pw, kw) is >= 0 and var sw) row[sw * _view.Big.W] += from[((taps + kw) * _view.Small.C) + (pw * _view.Small.W)];
                    }
            }
    }
}
