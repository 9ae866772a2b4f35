using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>Gradients of a deformable convolution's input, offsets and mask: the directions that start from the columns' gradient.</summary>
internal sealed class DeformGradientPlan : DeformPlan
{
    private readonly ClKernel _spread;
    private readonly ClMemHandle? _gradient;

    public DeformGradientPlan(ClRequest request)
        : base(request, Direction.BackwardData)
    {
        _spread = DeformKernel(request.Problem.Direction switch
        {
            Direction.BackwardData => "deform_data",
            Direction.BackwardOffset => "deform_offset",
            _ => "deform_mask",
        });
        _spread.Set(1, Columns);
        _gradient = PartOfOutput();
    }

    public override void Enqueue(in ClTensors t)
    {
        ConvProblem p = Problem;
        _spread.Set(2, t.Offset);
        _spread.Set(3, t.Mask);
        _spread.Set(4, t.Result);
        if (p.Direction != Direction.BackwardData) _spread.Set(9, t.Input);
        for (long first = 0; first < p.Batch; first += Chunk)
        {
            Product.Enqueue(new ClTensors { OutputGradient = Part(t.OutputGradient, _gradient, first), Result = Columns.Raw });
            _spread.Set(5, (int)first);
            if (p.Direction != Direction.BackwardData) _spread.Enqueue(Positions, p.OffsetGroups * p.Kernel.Product, Chunk);

            // A work-item owns a channel of an image: on a processor each is a group of its own, so that all cores get some.
            else _spread.Enqueue(p.InputChannels, Chunk, groupX: Request.Device.IsCpu ? 1 : 64);
        }
    }
}
