using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>Deformable convolution forward, and the gradient of its weights: the directions that sample the input.</summary>
internal sealed class DeformColumnsPlan : DeformPlan
{
    private readonly ClKernel _sample;
    private readonly ClKernel? _accumulate;
    private readonly ClPlan? _bias;
    private readonly ClMemHandle? _output;
    private readonly ClMemHandle? _residual;
    private readonly ClMemHandle? _weights;

    public DeformColumnsPlan(ClRequest request)
        : base(request, request.Problem.Direction)
    {
        ConvProblem p = request.Problem;
        _sample = DeformKernel("deform_columns");
        _sample.Set(4, Columns);
        _output = PartOfOutput();
        _residual = PartOfOutput(p.PostOps.Residual);
        if (p.Direction == Direction.Forward) return;
        if (p.HasBias) _bias = OwnPlan(Inside(p.With(s => s with { Name = null, Direction = Direction.BackwardBias })));
        if (Chunk == p.Batch) return;
        _weights = AllocateWorkspace(WeightBytes);
        _accumulate = Kernel("deform", "deform_accumulate", request.Types.Options);
        _accumulate.Set(0, _weights);
        _accumulate.Set(2, checked((int)p.WeightCount));
    }

    public override void Enqueue(in ClTensors t)
    {
        ConvProblem p = Problem;
        bool forward = p.Direction == Direction.Forward;
        _sample.Set(1, t.Input);
        _sample.Set(2, t.Offset);
        _sample.Set(3, t.Mask);
        for (long first = 0; first < Math.Max(1, p.Batch); first += Chunk)
        {
            _sample.Set(5, (int)first);
            _sample.Enqueue(Positions, p.OffsetGroups * p.Kernel.Product, Math.Min(Chunk, p.Batch));
            if (forward)
            {
                ClMem result = _output?.Raw ?? t.Result;
                Product.Enqueue(new ClTensors { Input = Columns.Raw, Residual = Part(t.Residual, _residual, first), Result = result });
                if (_output is not null) Request.Device.Copy(result, 0, t.Result, first * OutputImageBytes, Chunk * OutputImageBytes);
                continue;
            }

            Product.Enqueue(new ClTensors { Input = Columns.Raw, OutputGradient = Part(t.OutputGradient, _output, first), Result = _weights?.Raw ?? t.Result });
            if (_accumulate is null) continue;
            _accumulate.Set(1, t.Result);
            _accumulate.Set(3, first == 0 ? 1 : 0);
            _accumulate.Enqueue(p.WeightCount);
        }

        if (_bias is not null && !t.BiasResult.IsNull) _bias.Enqueue(new ClTensors { OutputGradient = t.OutputGradient, Result = t.BiasResult });
    }
}
