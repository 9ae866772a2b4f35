using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>One kernel from one tensor to another: shuffle, im2col, col2im.</summary>
internal sealed class RearrangePlan : ClPlan
{
    private readonly ClKernel _kernel;
    private readonly bool _takesResidual;
    private readonly long _positions;
    private readonly long _rows;

    /// <param name="request">The request.</param>
    /// <param name="routine">The kernel's file.</param>
    /// <param name="kernel">The kernel.</param>
    /// <param name="takesResidual">Its arguments are (g, f, source, residual, destination), else without the residual.</param>
    /// <param name="positions">Work-items along the first dimension.</param>
    /// <param name="rows">Along the second.</param>
    public RearrangePlan(ClRequest request, string routine, string kernel, bool takesResidual, long positions, long rows)
        : base(request, $"opencl:{routine}")
    {
        (_takesResidual, _positions, _rows) = (takesResidual, positions, rows);
        _kernel = Kernel(routine, kernel, request.Types.Options);
        _kernel.Set(0, Numbers(request.Geometry));
        _kernel.Set(1, Reals(request.Types));
    }

    public override void Enqueue(in ClTensors t)
    {
        int i = 2;
        _kernel.Set(i++, Problem.Direction == Direction.Forward ? t.Input : t.OutputGradient);
        if (_takesResidual) _kernel.Set(i++, t.Residual);
        _kernel.Set(i, t.Result);
        _kernel.Enqueue(_positions, _rows, Problem.Batch);
    }
}
