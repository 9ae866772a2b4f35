namespace ConvNative.Backends.CuDnn.Device;

/// <summary>One piece of work in the device's stream.</summary>
internal interface ICudaStep : IDisposable
{
    /// <summary>Queues the work; the caller holds the device.</summary>
    void Run(CudaDevice device);
}
