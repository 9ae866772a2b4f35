using ConvNative.Backends;
using ConvNative.Backends.OpenCl;
using ConvNative.Backends.OpenCl.Device;

namespace ConvNative.Tests.OpenCl;

/// <summary>The engine for tests, or the reason why there is none.</summary>
internal static class OpenClDevices
{
    /// <summary>The engine of this process; ends the test where no device is usable.</summary>
    public static OpenClBackend Engine()
    {
        var engine = (OpenClBackend)ConvNative.Backends.Engines.Find("opencl")!;
        BackendStatus status = engine.Status;
        if (!status.Available) Engines.Skip("opencl", $"{status.Summary} {string.Join("; ", status.Details)}");
        return engine;
    }

    /// <summary>Its first usable device.</summary>
    public static ClDevice First() => Engine().Open(null);
}
