using System.Diagnostics;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Threads;
using ConvNative.Graphs.Neighbours;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Graphs;

/// <summary>What one run of a <see cref="GraphPlan"/> needs for itself: the block with all tensors between the steps, and the steps with their tensors bound.</summary>
internal sealed unsafe class GraphLane : IHosted, IDisposable
{
    private readonly GraphPlan _plan;
    private readonly Action[] _runners;
    private readonly nint[] _pointers;
    private readonly AlignedBuffer _arena;

    public GraphLane(GraphPlan plan)
    {
        _plan = plan;
        Times = new double[plan.Steps.Count];
        _pointers = new nint[plan.Tensors.Count];
        _arena = new AlignedBuffer(plan.ArenaBytes);
        for (int i = 0; i < _pointers.Length; i++)
            if (plan.Tensors[i].Place == TensorPlace.Arena) _pointers[i] = (nint)_arena.Pointer + (nint)plan.OffsetOf(i);
        _runners = [.. plan.Steps.Select(Prepare)];
    }

    /// <summary>Milliseconds of each step in this lane's last run, where steps are timed.</summary>
    public double[] Times { get; }

    /// <summary>Where a tensor lies; null for none.</summary>
    public float* At(int tensor) => tensor < 0 ? null : (float*)_pointers[tensor];

    /// <summary>The caller's tensors of the next run.</summary>
    public void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs)
    {
        for (int i = 0; i < _pointers.Length; i++)
        {
            GraphTensor t = _plan.Tensors[i];
            if (t.Place != TensorPlace.Arena) _pointers[i] = (t.Place == TensorPlace.Input ? inputs : outputs)[t.Argument];
        }
    }

    /// <summary>Runs all steps.</summary>
    public void Invoke()
    {
        if (_plan.TimesSteps) InvokeTimed();
        else foreach (Action run in _runners) run();
    }

    public void Dispose() => _arena.Dispose();

    private void InvokeTimed()
    {
        long at = Stopwatch.GetTimestamp();
        for (int i = 0; i < _runners.Length; i++)
        {
            _runners[i]();
            long now = Stopwatch.GetTimestamp();
            Times[i] = Stopwatch.GetElapsedTime(at, now).TotalMilliseconds;
            at = now;
        }
    }

    private Action Prepare(GraphStep step)
    {
        Dims shape = _plan.Tensors[step.Output].Shape;
        int output = step.Output;
        switch (step)
        {
            case ConvStep c:
                ConvPlan plan = _plan.PlanOf(c.Node.Name);
                return () => plan.ExecuteChecked(new ConvArguments
                {
                    Input = Bytes(c.Input),
                    Offset = Bytes(c.Offset),
                    Mask = Bytes(c.Mask),
                    Residual = Bytes(c.Residual),
                    Result = Bytes(c.Output),
                });
            case PoolStep p:
                var pool = new PoolNeighbour(p.Window, _plan.Tensors[p.Input].Shape, shape);
                return () =>
                {
                    pool.Source = At(p.Input);
                    pool.Target = At(output);
                    pool.Run(_plan.Threads);
                };
            case ShuffleStep s:
                var shuffle = new ShuffleNeighbour(shape, s.Groups, s.Activation);
                return () =>
                {
                    shuffle.Source = At(s.Input);
                    shuffle.Target = At(output);
                    shuffle.Run(_plan.Threads);
                };
            case ConcatStep c:
                var concat = new ConcatNeighbour([.. c.Inputs.Select(i => checked((int)_plan.Tensors[i].Shape[1]))], shape[0] * shape.Slice(2).Product, c.Activation);
                return () =>
                {
                    for (int i = 0; i < c.Inputs.Count; i++) concat.Sources[i] = _pointers[c.Inputs[i]];
                    concat.Target = At(output);
                    concat.Run(_plan.Threads);
                };
            case ElementStep e:
                var elements = new ElementNeighbour(e.Activation, shape, e.Gate >= 0);
                return () =>
                {
                    elements.Source = At(e.Input);
                    elements.Gate = At(e.Gate);
                    elements.Addend = At(e.Addend);
                    elements.Target = At(output);
                    elements.Run(_plan.Threads);
                };
            default:
                int input = step.Reads[0];
                var reorder = new ReorderNeighbour(shape, _plan.Tensors[input].Layout, _plan.Tensors[output].Layout);
                return () =>
                {
                    reorder.Source = At(input);
                    reorder.Target = At(output);
                    reorder.Run(_plan.Threads);
                };
        }
    }

    private Span<byte> Bytes(int tensor) => tensor < 0 ? default : new Span<byte>((void*)_pointers[tensor], checked((int)(_plan.Tensors[tensor].Length * sizeof(float))));
}
