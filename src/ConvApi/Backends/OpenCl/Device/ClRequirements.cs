using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>What a device must have to be used at all.</summary>
internal sealed record ClRequirements
{
    public required bool Available { get; init; }

    public required Version Version { get; init; }

    public required bool HasCompiler { get; init; }

    public required bool LittleEndian { get; init; }

    public required string Profile { get; init; }

    public required DeviceFpConfig SingleConfig { get; init; }

    public required int MaxWorkGroup { get; init; }
}
