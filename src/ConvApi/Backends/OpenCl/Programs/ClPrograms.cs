using System.Text;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>A device's programs: each built once in a process, from the user's cache where a binary lies there. Thread-safe.</summary>
internal sealed unsafe class ClPrograms(ClDevice device, ClBinaryCache cache)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Routine, string Options), ClProgramHandle> _built = [];

    /// <summary>Programs that were compiled from source, not taken from the cache; for tests.</summary>
    public int Compiled { get; private set; }

    /// <summary>The program of <c>native/opencl/ROUTINE.cl</c>. It belongs to the device.</summary>
    /// <param name="routine">File name without extension.</param>
    /// <param name="options">Options of the compiler, <c>-D</c> definitions above all. Few variants: each is compiled on its own.</param>
    /// <exception cref="ConvNativeException">It does not compile; the message has the compiler's log.</exception>
    public ClProgramHandle Get(string routine, string options)
    {
        lock (_lock)
        {
            if (_built.TryGetValue((routine, options), out ClProgramHandle? known)) return known;
            string source = ClSources.Program(routine), all = $"-cl-std=CL1.2 {options}";
            ClProgramHandle program = Build(routine, source, all);
            _built.Add((routine, options), program);
            return program;
        }
    }

    /// <summary>Builds a program of any source; for the cache's tests. The caller disposes it.</summary>
    public ClProgramHandle Build(string routine, string source, string options)
    {
        string? file = cache.FileOf(device.Properties.Identity, options, source);
        if (ClBinaryCache.TryRead(file) is { } binary && FromBinary(binary, options) is { } cached) return cached;
        ClProgramHandle program = FromSource(routine, source, options);
        Compiled++;
        if (Binary(program) is { } compiled) ClBinaryCache.Write(file, compiled);
        return program;
    }

    private ClProgramHandle FromSource(string routine, string source, string options)
    {
        byte[] text = Encoding.UTF8.GetBytes(source);
        ClProgramHandle program;
        fixed (byte* t = text)
        {
            nuint length = (nuint)text.Length;
            byte* pointer = t;
            int status;
            nint raw = OpenClLibrary.Api.CreateProgramWithSource(device.Context.Raw, 1, &pointer, &length, &status);
            ClStatus.ThrowIfFailed(status, nameof(CL.CreateProgramWithSource));
            program = ClProgramHandle.Adopt(raw, nameof(CL.CreateProgramWithSource), device.Context);
        }

        int built = BuildProgram(program, options);
        if (built == (int)ErrorCodes.Success) return program;
        string log = Log(program);
        program.Dispose();
        throw new ConvNativeException(
            OpenClBackend.EngineName,
            $"{routine}.cl does not compile on {device.Id} ({device.Name}) with {options}:\n{log}",
            ClStatus.NativeName(nameof(CL.BuildProgram)),
            ClStatus.Name(built));
    }

    // What another driver left, or what this one no longer takes, is compiled anew.
    private ClProgramHandle? FromBinary(byte[] binary, string options)
    {
        nint id = device.Properties.Device;
        nint raw;
        fixed (byte* b = binary)
        {
            nuint length = (nuint)binary.Length;
            byte* pointer = b;
            int loaded, status;
            raw = OpenClLibrary.Api.CreateProgramWithBinary(device.Context.Raw, 1, &id, &length, &pointer, &loaded, &status);
            if (status != (int)ErrorCodes.Success || raw == 0) return null;
        }

        ClProgramHandle program = ClProgramHandle.Adopt(raw, nameof(CL.CreateProgramWithBinary), device.Context);
        if (BuildProgram(program, options) == (int)ErrorCodes.Success) return program;
        program.Dispose();
        return null;
    }

    private int BuildProgram(ClProgramHandle program, string options)
    {
        nint id = device.Properties.Device;
        fixed (byte* o = Encoding.UTF8.GetBytes(options + '\0')) return OpenClLibrary.Api.BuildProgram(program.Raw, 1, &id, o, null, null);
    }

    private string Log(ClProgramHandle program)
    {
        nuint size;
        if (OpenClLibrary.Api.GetProgramBuildInfo(program.Raw, device.Properties.Device, ProgramBuildInfo.BuildLog, 0, null, &size) != (int)ErrorCodes.Success || size == 0) return "(no log)";
        var bytes = new byte[(int)size];
        fixed (byte* b = bytes)
            if (OpenClLibrary.Api.GetProgramBuildInfo(program.Raw, device.Properties.Device, ProgramBuildInfo.BuildLog, size, b, null) != (int)ErrorCodes.Success) return "(no log)";
        return Encoding.UTF8.GetString(bytes).TrimEnd('\0', '\n', ' ');
    }

    private static byte[]? Binary(ClProgramHandle program)
    {
        nuint size;
        if (OpenClLibrary.Api.GetProgramInfo(program.Raw, ProgramInfo.BinarySizes, (nuint)sizeof(nuint), &size, null) != (int)ErrorCodes.Success || size == 0) return null;
        var bytes = new byte[(int)size];
        fixed (byte* b = bytes)
        {
            byte* pointer = b;
            return OpenClLibrary.Api.GetProgramInfo(program.Raw, ProgramInfo.Binaries, (nuint)sizeof(byte*), &pointer, null) == (int)ErrorCodes.Success ? bytes : null;
        }
    }
}
