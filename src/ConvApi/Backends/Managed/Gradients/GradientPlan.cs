using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Dense;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// Gradient of weights (and bias) of a linear variant under zero padding. The pixels are cut into slices, each of which is summed
/// into accumulators of its own; those are added in order and written to the caller's layout. Slices follow from the shape, never
/// from the number of threads, so the bits do not either.
/// </summary>
internal abstract unsafe class GradientPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Pixels that a unit of work holds in a first- or second-level cache while all taps and rows pass over them.
    private const int UnitPixels = 768;
    private const long UnitBytes = 256 * 1024;

    // Enough parts for sixteen cores; a part should outweigh its claim and its share of the final additions.
    private const int WantedParts = 32;
    private const long LeastWork = 200_000;
    private const long MostAccumulators = 16L << 20;

    private readonly BiasSums<T> _bias;
    private T* _biasScratch;
    private T* _accumulators;
    private int _rowParts = 1;
    private Step _step;

    protected GradientPlan(View view, PlanOptions options, string name)
        : base(view.Problem, options, $"managed:{name}:{InstructionSet.Name}", Math.Max(view.Problem.MultiplyAdds, view.Problem.OutputShape.Product))
    {
        View = view;
        Kernels = GradientSet.For<T>();
        (D, H, W) = (new TapSpans(view.Axes[0]), new TapSpans(view.Axes[1]), new TapSpans(view.Axes[2]));
        Weights = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        _bias = new BiasSums<T>(Problem);
        _biasScratch = (T*)AllocateWorkspace(_bias.ScratchElements * sizeof(T));
    }

    private enum Step
    {
        Sum,
        Write,
    }

    protected View View { get; }

    protected GradientSet Kernels { get; }

    protected TapSpans D { get; }

    protected TapSpans H { get; }

    protected TapSpans W { get; }

    /// <summary>Strides of the result.</summary>
    protected Strides5 Weights { get; }

    protected int Lanes => Kernels.Lanes;

    /// <summary>Taps of each axis, D, H, W.</summary>
    protected int KernelD => View.Axes[0].Kernel;

    protected int KernelH => View.Axes[1].Kernel;

    protected int KernelW => View.Axes[2].Kernel;

    /// <summary>Small rows that a unit holds.</summary>
    protected int RowsPerUnit { get; private set; }

    protected int Slices { get; private set; } = 1;

    /// <summary>Parts of a slice: each owns a share of the accumulators.</summary>
    protected abstract int PartsPerSlice { get; }

    /// <summary>Parts of the last step: each owns a share of the result.</summary>
    protected abstract int WriteParts { get; }

    /// <summary>Elements of one slice's accumulators.</summary>
    protected long SliceElements { get; private set; }

    /// <summary>The big side is the input, except of a transposed convolution.</summary>
    protected bool BigIsInput => Problem.Op != ConvOp.Transposed;

    protected T* BigSide => (T*)(BigIsInput ? Now.Input : Now.OutputGradient);

    protected T* SmallSide => (T*)(BigIsInput ? Now.OutputGradient : Now.Input);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public sealed override void DoParts(long from, long to, int worker)
    {
        long biases = BiasParts, all = ((long)Slices * PartsPerSlice) + biases;
        for (int part = checked((int)from); part < to; part++)
        {
            if (_step == Step.Write)
            {
                Write(part);
                continue;
            }

            // Spread among the others: where both go by channels, a cache still has what the bias sums.
            int bias = (int)(part * biases / all), rest = part - bias;
            if ((part + 1) * biases / all > bias) _bias.Add(bias, (T*)Now.OutputGradient, _biasScratch);
            else Sum(rest / PartsPerSlice, rest % PartsPerSlice, worker);
        }
    }

    protected override void Renew()
    {
        base.Renew();
        _biasScratch = Another(_biasScratch);
        _accumulators = Another(_accumulators);
    }

    protected sealed override void Execute()
    {
        _step = Step.Sum;
        Spread(((long)Slices * PartsPerSlice) + BiasParts);
        _step = Step.Write;
        Spread(WriteParts);
        Check();
        if (Now.BiasResult != null) _bias.Combine(_biasScratch, (T*)Now.BiasResult);
    }

    /// <summary>Sums one slice's share: <see cref="Units"/> one after the other.</summary>
    protected abstract void Sum(int slice, int part, int worker);

    protected abstract void Write(int part);

    /// <summary>After all is written, in the caller's thread.</summary>
    protected virtual void Check()
    {
    }

    /// <summary>Chooses rows per unit for panels of that many bytes a big row, and slices; makes the accumulators.</summary>
    protected void Cut(long bytesPerRow, long sliceElements, int unitPixels = UnitPixels)
    {
        AxisMap h = View.Axes[1];
        RowsPerUnit = (int)Math.Clamp(Math.Min(unitPixels / Math.Max(1, View.Axes[2].Small), UnitBytes / Math.Max(1, bytesPerRow)), 1, Math.Max(1, h.Small));
        _rowParts = (h.Small + RowsPerUnit - 1) / RowsPerUnit;
        RowsPerUnit = Math.Max(1, (h.Small + _rowParts - 1) / Math.Max(1, _rowParts));
        SliceElements = sliceElements;
        long work = Problem.MultiplyAdds, parts = Math.Clamp(work / LeastWork, 1, WantedParts), pixels = work / Math.Max(1, Problem.WeightCount);
        long most = Math.Min(Math.Min(UnitCount, pixels / 100), MostAccumulators / (sliceElements * sizeof(T)));
        Slices = (int)Math.Clamp((parts + PartsPerSlice - 1) / PartsPerSlice, 1, Math.Max(1, most));
        _accumulators = (T*)AllocateWorkspace(checked(Slices * sliceElements * sizeof(T)));
    }

    protected T* Accumulators(int slice) => _accumulators + (slice * SliceElements);

    private int BiasParts => Now.BiasResult != null ? _bias.Parts : 0;

    private long UnitCount => Problem.Batch * View.Axes[0].Small * _rowParts;

    /// <summary>Units of a slice: from and end.</summary>
    protected (long From, long To) Units(int slice) => (UnitCount * slice / Slices, UnitCount * (slice + 1) / Slices);

    /// <summary>Image, small depth and small rows of a unit.</summary>
    protected (long Image, int Depth, int Row, int EndRow) Unit(long unit)
    {
        int row = (int)(unit % _rowParts) * RowsPerUnit, depths = View.Axes[0].Small;
        return (unit / _rowParts / depths, (int)(unit / _rowParts % depths), row, Math.Min(View.Axes[1].Small, row + RowsPerUnit));
    }

    /// <summary>Place of a tap among the caller's, which true convolution stores backwards.</summary>
    protected int Slot(int kd, int kh, int kw)
    {
        int tap = (((kd * KernelH) + kh) * KernelW) + kw;
        return View.Flip ? View.Taps - 1 - tap : tap;
    }

    /// <summary>Adds the other slices to the first over a stretch of accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected void AddSlices(long from, long count)
    {
        for (int s = 1; s < Slices; s++)
        {
            T* a = _accumulators + from, b = Accumulators(s) + from;
            long i = 0;
            for (; i + Vector<T>.Count <= count; i += Vector<T>.Count) (Vector.Load(a + i) + Vector.Load(b + i)).Store(a + i);
            for (; i < count; i++) a[i] += b[i];
        }
    }
}
