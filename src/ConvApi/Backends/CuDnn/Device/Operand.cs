namespace ConvNative.Backends.CuDnn.Device;

/// <summary>A tensor's place in a plan: the steps know the operand, a run gives it its address.</summary>
internal sealed unsafe class Operand(string name)
{
    public string Name { get; } = name;

    /// <summary>Address on the device; null before the first run and for what the caller left out.</summary>
    public void* Pointer { get; set; }
}
