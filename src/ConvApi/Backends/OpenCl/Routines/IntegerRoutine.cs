using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>integer: 8-bit convolutions, forward, with exact sums. Correct for every problem, not fast.</summary>
internal sealed class IntegerRoutine : ClRoutine
{
    public override string Name => "integer";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        if (!p.InputType.IsInteger()) return NotMine;
        if (p.Op is not (ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed)) return p.Op == ConvOp.Deformable ? $"data type {p.InputType.Name()}: deformable convolutions are computed in floating point" : NotMine;
        if (p.Direction != Direction.Forward) return $"direction {Names.Of(p.Direction)}: 8-bit integers are computed forward only";
        return request.Device.Properties.HasF64 ? null : $"data type {p.InputType.Name()}: scales are applied in f64, which {request.Device.Name} lacks";
    }

    public override ClPlan Create(ClRequest request) => new Plan(request);

    private sealed class Plan : ClPlan
    {
        private readonly ClGeometry _g;
        private readonly ClKernel _kernel;

        public Plan(ClRequest request)
            : base(request, "opencl:integer")
        {
            ConvProblem p = request.Problem;
            Quantization q = p.Quantization ?? Quantization.None;
            _g = request.Geometry;
            ClTypes types = request.Types with { Wide = true };
            bool eight = p.InputType == DataType.U8;
            double pad = p.PaddingMode == PaddingMode.Constant ? Math.Clamp(Math.Round(p.PadValue), eight ? 0 : -128, eight ? 255 : 127) : 0;
            double[] reals =
            [
                pad, p.PostOps.ResidualScale, p.PostOps.Activation.Alpha, p.PostOps.Activation.Beta, p.PostOps.OutputScale ?? 1,
                q.OutputScale, p.OutputType.IsInteger() ? q.OutputZeroPoint : 0, p.PostOps.IsNone ? 1 : 0,
            ];
            int outputs = checked((int)p.OutputChannels);
            var zero = new int[outputs + 1];
            var unit = new double[2 * outputs];
            zero[0] = q.InputZeroPoint;
            for (int o = 0; o < outputs; o++)
            {
                zero[o + 1] = q.WeightZeroPoint(o);
                unit[2 * o] = q.InputScale * q.WeightScale(o);
                unit[(2 * o) + 1] = unit[2 * o] / q.OutputScale;
            }

            _kernel = Kernel("integer", _g.IsDown ? "integer_down" : "integer_up", $"{types.Options} -DROUNDS={(p.OutputType.IsInteger() ? 1 : 0)}");
            _kernel.Set(0, Numbers(_g));
            _kernel.Set(1, Allocate<double>(reals));
            _kernel.Set(2, Allocate<int>(zero));
            _kernel.Set(3, Allocate<double>(unit));
        }

        public override IReadOnlyList<string> Notes => ["exact integers, scales in f64"];

        public override void Enqueue(in ClTensors t)
        {
            _kernel.Set(4, t.Input);
            _kernel.Set(5, Weights!);
            _kernel.Set(6, Bias?.Raw ?? default);
            _kernel.Set(7, t.Residual);
            _kernel.Set(8, t.Result);
            if (_g.IsDown) _kernel.Enqueue(_g.SmallPositions, _g[ClNumber.SmallChannels], Problem.Batch);
            else _kernel.Enqueue(_g.BigPositions, _g[ClNumber.BigChannels], Problem.Batch);
        }
    }
}
