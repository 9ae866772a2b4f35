using System.Runtime.InteropServices;
using ConvNative.Backends.Common;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>Channel shuffle, im2col and col2im with their gradients: our own copies and sums, post-ops by oneDNN.</summary>
internal sealed unsafe class RearrangePlan : OneDnnOwnPlan
{
    private readonly ColumnMap? _map;
    private readonly bool _unfolds;
    private readonly Dims _from;
    private readonly Dims _to;
    private readonly OneDnnEpilogue? _epilogue;
    private readonly float* _values;

    public RearrangePlan(ConvProblem p, int threads)
        : base(p, threads, Math.Max(p.InputShape.Product, p.OutputShape.Product))
    {
        bool forward = p.Direction == Direction.Forward;
        Dims x = Layouts.Strides(p.InputShape, p.InputLayout), y = Layouts.Strides(p.OutputShape, p.OutputLayout);
        (_from, _to) = forward ? (x, y) : (y, x);
        if (p.Op != ConvOp.ChannelShuffle)
        {
            _map = new ColumnMap(p);
            _unfolds = (p.Op == ConvOp.Im2col) == forward;
        }

        if (p.PostOps.IsNone) return;
        _epilogue = Keep(new OneDnnEpilogue(p.OutputShape.Product, p.PostOps, Threads));
        CountWorkspace(_epilogue.ScratchpadBytes);
        if (p.PostOps.Residual) _values = (float*)Allocate(p.OutputShape.Product * sizeof(float));
    }

    public override string Implementation =>
        $"{(_map is null ? "copy:shuffle" : _unfolds ? "copy:unfold" : $"sum:fold:{InstructionSet.Name}")}{(_epilogue is null ? "" : $"+binary:{_epilogue.Implementation}")}";

    public override IReadOnlyList<string> Notes =>
    [
        _map is null ? "our own copy" : _unfolds ? "our own copy: oneDNN has no im2col" : "our own sum: oneDNN has no col2im",
        .. _epilogue is null ? Array.Empty<string>() : ["post-ops apart, by oneDNN's binary primitive"],
    ];

    private float* Target => _values != null ? _values : (float*)Now.Result;

    protected override void Execute()
    {
        Spread(_map is null ? Problem.Batch * Problem.InputChannels : _map.Parts(Problem.Batch));
        if (_epilogue is null) return;
        if (_values != null && Now.Residual != Now.Result) NativeMemory.Copy(Now.Residual, Now.Result, (nuint)OutputBytes);
        _epilogue.Run(Target, (float*)Now.Result);
    }

    public override void DoParts(long from, long to, int worker)
    {
        var source = (float*)(Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient);
        for (long part = from; part < to; part++)
            if (_map is null) Shuffle(source, part);
            else if (_unfolds) _map.Unfold(part, source, Target);
            else _map.Fold(part, source, Target);
    }

    private void Shuffle(float* source, long part)
    {
        // Input channel i*(C/G) + j is output channel j*G + i.
        long channels = Problem.InputChannels, perGroup = channels / Problem.Groups, n = part / channels, c = part % channels;
        long shuffled = (c % perGroup * Problem.Groups) + (c / perGroup);
        bool forward = Problem.Direction == Direction.Forward;
        float* from = source + (n * _from[0]) + ((forward ? c : shuffled) * _from[1]), to = Target + (n * _to[0]) + ((forward ? shuffled : c) * _to[1]);

        // Spatial axes lie densely in both, last axis fastest.
        long pixels = Problem.InputShape.Product / Problem.Batch / channels, a = _from[_from.Count - 1], b = _to[_to.Count - 1];
        if (a == 1 && b == 1) NativeMemory.Copy(from, to, (nuint)pixels * sizeof(float));
        else
            for (long i = 0; i < pixels; i++) to[i * b] = from[i * a];
    }
}
