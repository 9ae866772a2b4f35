using System.Numerics;
using ConvNative.Backends.Common.Epilogue;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Integers;

/// <summary>
/// 8-bit convolutions by exact arithmetic: zero points are taken off the operands, one of the plans for numbers sums, and the epilogue
/// does the rest. Elements are pairs of 16-bit channels with 32-bit sums (<typeparamref name="T"/> = int), or numbers whose sums stay exact:
/// float where they are below 2^24, double else.
/// </summary>
internal sealed unsafe class IntegerPlan<T> : ManagedPlan
    where T : unmanaged, INumber<T>
{
    private const int WidenedElements = 16 * 1024;

    private ManagedPlan _inner;
    private IntegerEpilogue<T> _epilogue;
    private T* _input;
    private T* _sum;
    private readonly T* _weights;
    private int* _room;
    private readonly long _roomPerWorker;
    private readonly int _channels;
    private readonly long _pixels;
    private readonly bool _last;

    /// <param name="problem">The problem.</param>
    /// <param name="options">Threads.</param>
    /// <param name="inner">A plan of <see cref="IntegerPlans.Inner"/>; owned.</param>
    public IntegerPlan(ConvProblem problem, PlanOptions options, ManagedPlan inner)
        : base(problem, options, $"{inner.Implementation}+integer", Math.Max(problem.MultiplyAdds, Math.Max(problem.InputShape.Product, problem.OutputShape.Product)))
    {
        _inner = Keep(inner);
        CountWorkspace(inner.WorkspaceBytes);
        _epilogue = Keep(new IntegerEpilogue<T>(problem.With(s => s with { OutputLayout = IntegerPlans.Plain(s.OutputLayout) }), Threads, 0));
        _channels = checked((int)(problem.InputChannels / problem.Groups));
        _pixels = problem.Batch == 0 ? 0 : problem.InputShape.Product / problem.Batch / problem.InputChannels;
        _last = problem.InputLayout == Layout.ChannelsLast;
        _input = (T*)AllocateWorkspace(checked(inner.Problem.InputShape.Product * sizeof(T)));
        _sum = (T*)AllocateWorkspace(checked(problem.OutputShape.Product * sizeof(T)));
        _weights = (T*)AllocateWeights(checked(inner.Problem.WeightCount * sizeof(T)));
        if (!IsPairs || _last) return;
        _roomPerWorker = inner.Problem.InputChannels * IntegerOperands.TurnedPixels;
        _room = (int*)AllocateWorkspace(checked(_roomPerWorker * Threads * sizeof(int)));
    }

    public override IReadOnlyList<string> Notes =>
    [
        IsPairs ? "exact: pairs of channels as 16-bit integers, sums of 32 bits" : typeof(T) == typeof(float) ? "exact: sums below 2^24 in f32" : "exact: sums in f64",
        .. _inner.Notes,
    ];

    private static bool IsPairs => typeof(T) == typeof(int);

    private int Zero => Problem.Quantization?.InputZeroPoint ?? 0;

    private long PixelsAPart => IsPairs && !_last ? IntegerOperands.TurnedPixels : Math.Max(1, WidenedElements / Math.Max(1, Problem.InputChannels));

    private long PartsAnImage => (_pixels + PixelsAPart - 1) / PixelsAPart;

    /// <summary>Widens a part of the input.</summary>
    public override void DoParts(long from, long to, int worker)
    {
        var x = (byte*)Now.Input;
        bool signed = Problem.InputType == DataType.S8;
        long groups = Problem.Groups, image = _pixels * Problem.InputChannels, pairs = (_channels + 1) / 2 * groups;
        for (long part = from; part < to; part++)
        {
            (long n, long block) = Math.DivRem(part, PartsAnImage);
            long first = block * PixelsAPart, count = Math.Min(PixelsAPart, _pixels - first);
            long at = (n * image) + (first * Problem.InputChannels);
            if (!IsPairs) IntegerOperands.Widen(x + at, signed, Zero, _input + at, count * Problem.InputChannels);
            else if (_last) IntegerOperands.PairsOfPixels(x + at, signed, Zero, _channels, count * groups, (short*)(_input + (((n * _pixels) + first) * pairs)));
            else
                IntegerOperands.PairsOfPlanes(
                    x + (n * image) + first, _pixels, signed, Zero, _channels, groups, (int*)_input + (((n * _pixels) + first) * pairs), (int)count, _room + (worker * _roomPerWorker));
        }
    }

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        ConvProblem p = Problem;
        long kernel = p.Kernel.Product, second = p.WeightShape[1], inputs = p.InputChannels / p.Groups;
        bool last = p.WeightLayout == Layout.ChannelsLast, transposed = p.Op == ConvOp.Transposed;

        // Pairs lie along the axis that has the source's channels.
        for (long i = 0; i < p.WeightCount; i++)
        {
            long a = i / kernel / second, b = last ? i % second : i / kernel % second, tap = last ? i / second % kernel : i % kernel;
            long o = transposed ? (a / inputs * second) + b : a;
            int v = IntegerOperands.At(weights, p.WeightType, i) - (p.Quantization?.WeightZeroPoint(o) ?? 0);
            if (!IsPairs)
            {
                _weights[(((a * second) + b) * kernel) + tap] = T.CreateTruncating(v);
                continue;
            }

            long c = transposed ? a % inputs : b, half = (inputs + 1) / 2;
            long place = transposed ? (((((a / inputs * half) + (c / 2)) * second) + b) * kernel) + tap : (((a * half) + (c / 2)) * kernel) + tap;
            ((short*)(_weights + place))[c % 2] = (short)v;
        }

        _inner.Set(_weights, null);
        _epilogue.SetBias((int*)bias);
    }

    protected override void Renew()
    {
        base.Renew();
        _inner = Another(_inner);
        _epilogue = Keep(_epilogue.Fork());
        _input = Another(_input);
        _sum = Another(_sum);
        _room = Another(_room);
    }

    protected override void Execute()
    {
        Spread(Problem.Batch * PartsAnImage);
        _inner.Run(new ConvPointers { Input = _input, Result = _sum });
        _epilogue.Run(_sum, null, null, Now.Residual, Now.Result);
    }
}
