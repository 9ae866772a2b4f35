using System.Runtime.InteropServices;
using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Rewrites;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Fallbacks;

/// <summary>
/// Channel shuffle, im2col and col2im with their gradients: our own copies, of elements of any type, and our own sums in f32, post-ops
/// by oneDNN.
/// </summary>
internal sealed unsafe class RearrangePlan : OwnPlan
{
    private readonly ColumnMap? _map;
    private readonly bool _unfolds;
    private readonly Dims _from;
    private readonly Dims _to;
    private OneDnnEpilogue? _epilogue;
    private float* _values;
    private readonly int _element;
    private readonly ulong _outside;

    public RearrangePlan(ConvProblem p, int threads)
        : base(p, OneDnnBackend.BackendName, threads, Math.Max(p.InputShape.Product, p.OutputShape.Product))
    {
        bool forward = p.Direction == Direction.Forward;
        _element = p.InputType.SizeOf();
        _outside = InputExtension.Bits(p.PaddingMode == PaddingMode.Constant ? p.PadValue : 0, p.InputType);
        Dims x = Layouts.Strides(p.InputShape, p.InputLayout), y = Layouts.Strides(p.OutputShape, p.OutputLayout);
        (_from, _to) = forward ? (x, y) : (y, x);
        if (p.Op != ConvOp.ChannelShuffle)
        {
            _map = new ColumnMap(p);
            _unfolds = Unfolds(p);
        }

        if (p.PostOps.IsNone) return;
        _epilogue = Keep(new OneDnnEpilogue(p.OutputShape.Product, p.PostOps, Threads));
        if (Threads > 1) Host = TeamGate.Run;
        CountWorkspace(_epilogue.ScratchpadBytes);
        if (p.PostOps.Residual) _values = (float*)AllocateWorkspace(p.OutputShape.Product * sizeof(float));
    }

    public override string Implementation =>
        $"{(_map is null ? "copy:shuffle" : _unfolds ? "copy:unfold" : $"sum:fold:{InstructionSet.Name}")}{(_epilogue is null ? "" : $"+binary:{_epilogue.Implementation}")}";

    public override IReadOnlyList<string> Notes =>
    [
        _map is null ? "our own copy" : _unfolds ? "our own copy: oneDNN has no im2col" : "our own sum: oneDNN has no col2im",
        .. _epilogue is null ? Array.Empty<string>() : ["post-ops apart, by oneDNN's binary primitive"],
    ];

    /// <summary>Nothing but elements that move, so that their type does not matter.</summary>
    public static bool IsCopy(ConvProblem p) => !p.HasWeights && p.InputType == p.OutputType && p.PostOps.IsNone && (p.Op == ConvOp.ChannelShuffle || Unfolds(p));

    protected override void Renew()
    {
        base.Renew();
        _values = Another(_values);
        if (_epilogue is not null) _epilogue = Keep(_epilogue.Fork());
    }

    protected override void Execute()
    {
        Spread(_map is null ? Problem.Batch * Problem.InputChannels : _map.Parts(Problem.Batch));
        if (_epilogue is null) return;
        if (_values != null) NativeMemory.Copy(Now.Residual, Now.Result, (nuint)OutputBytes);
        _epilogue.Run(_values != null ? _values : (float*)Now.Result, (float*)Now.Result);
    }

    public override void DoParts(long from, long to, int worker)
    {
        switch (_element)
        {
            case 1: DoParts<byte>(from, to); break;
            case 2: DoParts<ushort>(from, to); break;
            default: DoParts<uint>(from, to); break;
        }
    }

    private static bool Unfolds(ConvProblem p) => (p.Op == ConvOp.Im2col) == (p.Direction == Direction.Forward);

    private void DoParts<T>(long from, long to)
        where T : unmanaged
    {
        void* source = Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient, target = _values != null ? _values : Now.Result;
        ulong outside = _outside;
        for (long part = from; part < to; part++)
            if (_map is null) Shuffle((T*)source, (T*)target, part);
            else if (_unfolds) _map.Unfold(part, (T*)source, (T*)target, *(T*)&outside);
            else _map.Fold(part, (float*)source, (float*)target);
    }

    private void Shuffle<T>(T* source, T* target, long part)
        where T : unmanaged
    {
        // Input channel i*(C/G) + j is output channel j*G + i.
        long channels = Problem.InputChannels, perGroup = channels / Problem.Groups, n = part / channels, c = part % channels;
        long shuffled = (c % perGroup * Problem.Groups) + (c / perGroup);
        bool forward = Problem.Direction == Direction.Forward;
        T* from = source + (n * _from[0]) + ((forward ? c : shuffled) * _from[1]), to = target + (n * _to[0]) + ((forward ? shuffled : c) * _to[1]);

        // Spatial axes lie densely in both, last axis fastest.
        long pixels = Problem.InputShape.Product / Problem.Batch / channels, a = _from[_from.Count - 1], b = _to[_to.Count - 1];
        if (a == 1 && b == 1) NativeMemory.Copy(from, to, (nuint)(pixels * sizeof(T)));
        else
            for (long i = 0; i < pixels; i++) to[i * b] = from[i * a];
    }
}
