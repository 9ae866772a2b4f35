using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>The plans of <see cref="DirectRoutine"/>.</summary>
internal sealed class DirectPlan : ClPlan
{
    private readonly ClGeometry _g;
    private readonly ClKernel? _main;
    private readonly ClKernel? _bias;

    /// <param name="request">The request.</param>
    /// <param name="guard">Where it is given, the kernel does nothing unless it is not 0 on the device: another plan does the work. The bias is summed in any case.</param>
    public DirectPlan(ClRequest request, ClMemHandle? guard = null)
        : base(request, "opencl:direct")
    {
        ConvProblem p = request.Problem;
        bool weights = p.Direction == Direction.BackwardWeights;
        _g = weights ? Flattened(p) : request.Geometry;
        ClTypes types = request.Types;
        string options = types.Options + (weights && types.Big == types.Real && types.Small == types.Real ? " -DPLAIN" : "");
        ClMemHandle numbers = Numbers(_g), reals = Reals(request.Types);
        if (p.Direction != Direction.BackwardBias)
        {
            _main = Kernel("direct", weights ? "direct_weights" : _g.IsDown ? "direct_down" : "direct_up", options);
            _main.Set(0, numbers);
            _main.Set(1, reals);
            _main.Set(weights ? 5 : 7, guard?.Raw ?? default);
        }

        if (p.Direction is not (Direction.BackwardBias or Direction.BackwardWeights) || !p.HasBias) return;
        ClGeometry output = OutputSide(p);
        _bias = Kernel("direct", "direct_bias", (request.Types with { Small = p.OutputType, Big = p.InputType }).Options);
        _bias.Set(0, Numbers(output));
        _bias.Set(1, reals);
    }

    public override IReadOnlyList<string> Notes => ["plain kernels: one result a work-item, only taps that exist"];

    public override void Enqueue(in ClTensors t)
    {
        ConvProblem p = Problem;
        switch (p.Direction)
        {
            case Direction.BackwardWeights:
                bool transposed = p.Op == ConvOp.Transposed;
                _main!.Set(2, transposed ? t.OutputGradient : t.Input);
                _main.Set(3, transposed ? t.Input : t.OutputGradient);
                _main.Set(4, t.Result);
                _main.Enqueue(_g[ClNumber.BigPerGroup] * _g.Taps, _g[ClNumber.SmallChannels]);
                if (!t.BiasResult.IsNull) SumBias(t.OutputGradient, t.BiasResult);
                return;
            case Direction.BackwardBias:
                SumBias(t.OutputGradient, t.Result);
                return;
        }

        _main!.Set(2, p.Direction == Direction.Forward ? t.Input : t.OutputGradient);
        _main.Set(3, Weights!);
        _main.Set(4, Bias?.Raw ?? default);
        _main.Set(5, t.Residual);
        _main.Set(6, t.Result);
        if (_g.IsDown) _main.Enqueue(_g.SmallPositions, _g[ClNumber.SmallChannels], p.Batch);
        else _main.Enqueue(_g.BigPositions, _g[ClNumber.BigChannels], p.Batch);
    }

    private void SumBias(ClMem gradient, ClMem result)
    {
        _bias!.Set(2, gradient);
        _bias.Set(3, result);
        _bias.Enqueue(Problem.OutputChannels);
    }

    // A kernel of one tap at every position sees no rows: one long row is summed faster than many short ones.
    private static ClGeometry Flattened(ConvProblem p)
    {
        var g = new ClGeometry(p);
        for (int a = 0; a < 3; a++)
            if (g[ClNumber.KernelD + a] != 1 || g[ClNumber.StrideD + a] != 1 || g[ClNumber.PadD + a] != 0 || g[ClNumber.BigD + a] != g[ClNumber.SmallD + a]) return g;
        foreach (ClNumber side in (ReadOnlySpan<ClNumber>)[ClNumber.BigW, ClNumber.SmallW])
        {
            g.Set(side, g.BigPositions);
            g.Set(side - 1, 1);
            g.Set(side - 2, 1);
        }

        return g;
    }

    // The kernel sums the small side; the output is that only for a correlation.
    private static ClGeometry OutputSide(ConvProblem p)
    {
        var g = new ClGeometry(p);
        Dims s = p.OutputShape;
        g.Set(ClNumber.SmallChannels, s[1]);
        g.Set(ClNumber.SmallD, s.Count > 4 ? s[^3] : 1);
        g.Set(ClNumber.SmallH, s.Count > 3 ? s[^2] : 1);
        g.Set(ClNumber.SmallW, s[^1]);
        g.SetStrides(ClNumber.SmallStrideN, Layouts.Strides(s, p.OutputLayout));
        return g;
    }
}
