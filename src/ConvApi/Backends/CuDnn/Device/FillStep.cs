using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>Zeroes a tensor that the steps after it add to, or that has nothing to be summed.</summary>
internal sealed unsafe class FillStep(Operand operand, long bytes) : ICudaStep
{
    public void Run(CudaDevice device)
    {
        if (bytes > 0 && operand.Pointer != null) CudaRt.cudaMemsetAsync(operand.Pointer, 0, (nuint)bytes, device.Stream.Raw).Check(nameof(CudaRt.cudaMemsetAsync));
    }

    public void Dispose()
    {
    }
}
