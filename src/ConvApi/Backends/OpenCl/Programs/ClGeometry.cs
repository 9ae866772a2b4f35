using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>The whole numbers that every kernel reads, by name: <c>g[G_BigD]</c> in a kernel is <see cref="ClNumber.BigD"/> here.</summary>
internal enum ClNumber
{
    Batch, SmallChannels, BigChannels, SmallPerGroup, BigPerGroup, Groups,
    BigD, BigH, BigW, SmallD, SmallH, SmallW, KernelD, KernelH, KernelW,
    StrideD, StrideH, StrideW, DilationD, DilationH, DilationW, PadD, PadH, PadW,
    Mode, Flip, Activation,
    BigStrideN, BigStrideC, BigStrideD, BigStrideH, BigStrideW,
    SmallStrideN, SmallStrideC, SmallStrideD, SmallStrideH, SmallStrideW,
    WeightStrideSmall, WeightStrideBig, WeightStrideD, WeightStrideH, WeightStrideW,
    OffsetGroups, HasMask,
}

/// <summary>
/// A problem as kernels see it: a correlation between a big side, which the correlation reads, and a small side, which it writes. A
/// transposed convolution (and col2im) writes its big side. Axes D, H, W; an axis that the rank lacks has size 1.
/// </summary>
internal sealed class ClGeometry
{
    private const int Most = int.MaxValue / 4;

    private readonly int[] _numbers = new int[Enum.GetValues<ClNumber>().Length];

    public ClGeometry(ConvProblem p)
    {
        Problem = p;
        bool bigIsOutput = p.Op is ConvOp.Transposed or ConvOp.Col2im;
        (Dims big, Layout bigLayout) = bigIsOutput ? (p.OutputShape, p.OutputLayout) : (p.InputShape, p.InputLayout);
        (Dims small, Layout smallLayout) = bigIsOutput ? (p.InputShape, p.InputLayout) : (p.OutputShape, p.OutputLayout);
        Set(ClNumber.Batch, p.Batch);
        Set(ClNumber.SmallChannels, small[1]);
        Set(ClNumber.BigChannels, big[1]);
        Set(ClNumber.Groups, p.Groups);
        Set(ClNumber.SmallPerGroup, small[1] / p.Groups);
        Set(ClNumber.BigPerGroup, big[1] / p.Groups);
        bool columns = p.Op is ConvOp.Im2col or ConvOp.Col2im;
        for (int a = 0; a < 3; a++)
        {
            int i = a - 3 + p.Rank;
            bool there = i >= 0;
            long size = there ? big[i + 2] : 1;
            long count = !there ? 1 : columns ? ConvGeometry.OutputSize(size, p.Kernel[i], p.Strides[i], p.Dilations[i], p.PadsBegin[i], p.PadsEnd[i]) : small[i + 2];
            long reach = there ? ((count - 1) * p.Strides[i]) + ((p.Kernel[i] - 1) * p.Dilations[i]) : 0;
            Set(ClNumber.BigD + a, size);
            Set(ClNumber.SmallD + a, count);
            Set(ClNumber.KernelD + a, there ? p.Kernel[i] : 1);
            Set(ClNumber.StrideD + a, there ? p.Strides[i] : 1);
            Set(ClNumber.DilationD + a, there ? p.Dilations[i] : 1);
            Set(ClNumber.PadD + a, there ? p.PadsBegin[i] : 0);

            // Positions are 32 bits wide in the kernels, periods of reflections twice the size. A stride counts even where there is one position only:
            // drivers have died of what is allocated or compiled for it.
            Fits = Fits && Math.Max(reach, size) < Most && (!there || Math.Max(p.PadsBegin[i], Math.Max(p.Strides[i], p.Dilations[i])) < Most);
        }

        Set(ClNumber.Mode, (long)p.PaddingMode);
        Set(ClNumber.Flip, p.Op == ConvOp.Convolution ? 1 : 0);
        Set(ClNumber.Activation, (long)p.PostOps.Activation.Kind);
        SetStrides(ClNumber.BigStrideN, Layouts.Strides(big, bigLayout));
        SetStrides(ClNumber.SmallStrideN, Layouts.Strides(small, smallLayout));
        if (columns)
        {
            // One axis of blocks in the tensor is a grid in the kernels.
            long w = this[ClNumber.SmallStrideW];
            Set(ClNumber.SmallStrideH, w * this[ClNumber.SmallW]);
            Set(ClNumber.SmallStrideD, w * this[ClNumber.SmallW] * this[ClNumber.SmallH]);
        }

        if (p.HasWeights) SetStrides(ClNumber.WeightStrideSmall, Layouts.Strides(p.WeightShape, p.WeightLayout));
        Set(ClNumber.OffsetGroups, p.OffsetGroups);
        Set(ClNumber.HasMask, p.HasMask ? 1 : 0);
        Fits = Fits && SpatialFits(big) && SpatialFits(small);
    }

    public ConvProblem Problem { get; }

    /// <summary>False where a number exceeds the 32 bits that kernels have for it.</summary>
    public bool Fits { get; private set; } = true;

    /// <summary>The correlation itself (small from big), as opposed to its adjoint (big from small).</summary>
    public bool IsDown => (Problem.Op is ConvOp.Transposed or ConvOp.Col2im) == (Problem.Direction != Direction.Forward);

    /// <summary>What a kernel is given as <c>g</c>.</summary>
    public ReadOnlySpan<int> Numbers => _numbers;

    public int this[ClNumber n] => _numbers[(int)n];

    public long BigPositions => (long)this[ClNumber.BigD] * this[ClNumber.BigH] * this[ClNumber.BigW];

    public long SmallPositions => (long)this[ClNumber.SmallD] * this[ClNumber.SmallH] * this[ClNumber.SmallW];

    public long Taps => (long)this[ClNumber.KernelD] * this[ClNumber.KernelH] * this[ClNumber.KernelW];

    public void Set(ClNumber n, long value)
    {
        Fits = Fits && value is >= int.MinValue and <= int.MaxValue;
        _numbers[(int)n] = unchecked((int)value);
    }

    /// <summary>Strides of N, C, D, H, W from <paramref name="first"/> on.</summary>
    public void SetStrides(ClNumber first, Dims strides)
    {
        int rank = strides.Count - 2;
        Set(first, strides[0]);
        Set(first + 1, strides[1]);
        Set(first + 2, rank > 2 ? strides[^3] : 0);
        Set(first + 3, rank > 1 ? strides[^2] : 0);
        Set(first + 4, strides[^1]);
    }

    private static bool SpatialFits(Dims shape) => shape.Slice(2).Product < int.MaxValue - 64;
}
