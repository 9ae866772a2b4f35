using ConvNative.Backends.CuDnn.Device;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>Where the tensors of a linear problem are.</summary>
internal sealed record LinearTensors(Operand Input, Operand Weights, Operand Gradient, Operand Result)
{
    /// <summary>The caller's.</summary>
    public static LinearTensors Of(CudaProgram program) => new(program.Input, program.Weights, program.Gradient, program.Result);
}
