using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Managed.Depthwise;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// Gradients under a padding mode that shows elements or a constant: those of the input with its padding around it, which need none.
/// For weights the input is extended before, for data each element gathers what its copies were given. Forward where the fast
/// kernel only knows taps that exist.
/// </summary>
internal sealed unsafe class ExtendedPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // What an element of an axis takes in tables while they are made.
    private const int PlaceBytes = 32;

    private ManagedPlan _inner;
    private readonly int[] _size = [1, 1, 1];
    private readonly int[] _begin = [0, 0, 0];
    private readonly int[][] _maps = [[0], [0], [0]];
    private readonly int[][] _copyStart = new int[3][];
    private readonly int[][] _copies = new int[3][];
    private readonly long _outer;
    private readonly int _pixel;
    private readonly int _middle;
    private readonly T _pad;
    private T* _extended;

    /// <param name="problem">The problem.</param>
    /// <param name="options">Threads.</param>
    /// <param name="inner">A plan of <see cref="Inner"/>; owned.</param>
    public ExtendedPlan(ConvProblem problem, PlanOptions options, ManagedPlan inner)
        : base(problem, options, inner.Implementation, inner.Problem.MultiplyAdds)
    {
        _inner = Keep(inner);
        CountWorkspace(inner.WorkspaceBytes);
        bool last = problem.InputLayout == Layout.ChannelsLast;
        _outer = last ? problem.Batch : problem.Batch * problem.InputChannels;
        _pixel = last ? checked((int)problem.InputChannels) : 1;
        _pad = T.CreateTruncating(problem.PadValue);
        for (int i = 0; i < problem.Rank; i++) MemoryBudget.Take(((Int128)inner.Problem.InputShape[i + 2] + problem.InputShape[i + 2]) * PlaceBytes);
        for (int i = 0; i < problem.Rank; i++)
        {
            int a = 3 - problem.Rank + i, size = checked((int)problem.InputShape[i + 2]);
            (_size[a], _begin[a]) = (size, checked((int)problem.PadsBegin[i]));
            _maps[a] = new int[inner.Problem.InputShape[i + 2]];
            for (int e = 0; e < _maps[a].Length; e++) _maps[a][e] = AxisMap.Map((long)e - _begin[a], size, problem.PaddingMode);
        }

        for (int a = 0; a < 3; a++)
        {
            _copyStart[a] = new int[_size[a] + 1];
            int[] sources = [.. Enumerable.Range(0, _maps[a].Length).Where(e => _maps[a][e] >= 0).OrderBy(e => _maps[a][e])];
            foreach (int e in sources) _copyStart[a][_maps[a][e] + 1]++;
            for (int i = 0; i < _size[a]; i++) _copyStart[a][i + 1] += _copyStart[a][i];
            _copies[a] = sources;
        }

        _middle = Math.Max(0, Math.Min(_size[2], _maps[2].Length - _begin[2]));
        _extended = (T*)AllocateWorkspace(checked(inner.Problem.InputShape.Product * sizeof(T)));
    }

    public override IReadOnlyList<string> Notes =>
        [Problem.Direction == Direction.BackwardData ? "gradient of the input with its padding; copies added up" : "input extended by its padding", .. _inner.Notes];

    public static bool Serves(ConvProblem p) =>
        p.Op is ConvOp.Correlation or ConvOp.Convolution && p.PaddingMode != PaddingMode.Zeros && p.Direction switch
        {
            Direction.BackwardWeights => true,
            Direction.BackwardData => p.PaddingMode != PaddingMode.Constant,
            Direction.Forward => p.PaddingMode == PaddingMode.Constant && LanesPlan<T>.Serves(new View(Inner(p))),
            _ => false,
        };

    /// <summary>The same problem with the padding as part of the input.</summary>
    public static ConvProblem Inner(ConvProblem p)
    {
        var shape = new long[p.Rank + 2];
        for (int i = 0; i < shape.Length; i++) shape[i] = p.InputShape[i] + (i < 2 ? 0 : p.PadsBegin[i - 2] + p.PadsEnd[i - 2]);
        return p.With(s => s with
        {
            Name = null,
            InputShape = Dims.Create(shape),
            OutputShape = null,
            ImpliedTrailingPads = false,
            PadsBegin = null,
            PadsEnd = null,
            PaddingMode = PaddingMode.Zeros,
            PadValue = 0,
            UnlimitedExtension = false,
        });
    }

    protected override void SetWeightsCore(void* weights, void* bias) => _inner.Set(weights, bias);

    protected override void Renew()
    {
        base.Renew();
        _inner = Another(_inner);
        _extended = Another(_extended);
    }

    protected override void Execute()
    {
        ConvPointers now = Now;
        bool data = Problem.Direction == Direction.BackwardData;
        if (data) now.Result = _extended;
        else
        {
            Spread(_outer * _maps[0].Length * _maps[1].Length);
            now.Input = _extended;
        }

        _inner.Run(now);
        if (data) Spread(_outer * _size[0] * _size[1]);
    }

    public override void DoParts(long from, long to, int worker)
    {
        for (long row = from; row < to; row++)
            if (Problem.Direction == Direction.BackwardData) Gather(row);
            else Extend(row);
    }

    private void Extend(long row)
    {
        int width = _maps[2].Length, d = _maps[0][row / _maps[1].Length % _maps[0].Length], h = _maps[1][row % _maps[1].Length];
        T* to = _extended + (row * width * _pixel);
        if ((d | h) < 0)
        {
            new Span<T>(to, width * _pixel).Fill(_pad);
            return;
        }

        T* from = (T*)Now.Input + (((((row / _maps[1].Length / _maps[0].Length) * _size[0]) + d) * _size[1]) + h) * _size[2] * _pixel;
        for (int w = 0; w < width; w++)
        {
            if (w == _begin[2] && _middle > 0)
            {
                Copy.Run(from, to + ((long)w * _pixel), _middle * _pixel);
                w += _middle - 1;
            }
            else if (_maps[2][w] < 0) new Span<T>(to + ((long)w * _pixel), _pixel).Fill(_pad);
            else if (_pixel == 1) to[w] = from[_maps[2][w]];
            else Copy.Run(from + ((long)_maps[2][w] * _pixel), to + ((long)w * _pixel), _pixel);
        }
    }

    private void Gather(long row)
    {
        int h = (int)(row % _size[1]), d = (int)(row / _size[1] % _size[0]), width = _maps[2].Length;
        T* to = (T*)Now.Result + (row * _size[2] * _pixel);
        new Span<T>(to, _size[2] * _pixel).Clear();
        long image = row / _size[1] / _size[0];
        for (int i = _copyStart[0][d]; i < _copyStart[0][d + 1]; i++)
            for (int j = _copyStart[1][h]; j < _copyStart[1][h + 1]; j++)
            {
                T* from = _extended + ((((image * _maps[0].Length) + _copies[0][i]) * _maps[1].Length) + _copies[1][j]) * width * _pixel;
                for (int w = 0; w < width; w++)
                {
                    if (w == _begin[2] && _middle > 0)
                    {
                        Add(from + ((long)w * _pixel), to, _middle * _pixel);
                        w += _middle - 1;
                    }
                    else if (_maps[2][w] is >= 0 and var at)
                    {
                        if (_pixel == 1) to[at] += from[w];
                        else Add(from + ((long)w * _pixel), to + ((long)at * _pixel), _pixel);
                    }
                }
            }
    }

    private static void Add(T* from, T* to, int count)
    {
        int i = 0;
        for (; i + Vector<T>.Count <= count; i += Vector<T>.Count) (Vector.Load(to + i) + Vector.Load(from + i)).Store(to + i);
        for (; i < count; i++) to[i] += from[i];
    }
}
