using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>
/// The caller's tensors of one run in the host's memory. A processor works on them where they lie; other devices get copies in buffers
/// that stay with the plan.
/// </summary>
internal sealed unsafe class ClHostTensors(ClDevice device) : IDisposable
{
    private const int Slots = 7;

    private readonly ClMemHandle?[] _copies = new ClMemHandle?[Slots];
    private readonly ClMem[] _wrapped = new ClMem[Slots];
    private readonly nint[] _results = new nint[Slots];
    private readonly long[] _bytes = new long[Slots];

    public enum Slot
    {
        Input, Residual, Offset, Mask, OutputGradient, Result, BiasResult,
    }

    /// <summary>A buffer with the host's bytes; null for null.</summary>
    public ClMem Bring(Slot slot, void* from, long bytes)
    {
        if (from == null || bytes == 0) return default;
        if (device.IsCpu) return Wrap(slot, from, bytes, MemFlags.ReadOnly);
        ClMem copy = Copy(slot, bytes);
        device.Write(copy, from, 0, bytes);
        return copy;
    }

    /// <summary>A buffer whose bytes <see cref="TakeBack"/> brings to the host; null for null.</summary>
    public ClMem Make(Slot slot, void* to, long bytes)
    {
        if (to == null || bytes == 0) return default;
        (_results[(int)slot], _bytes[(int)slot]) = ((nint)to, bytes);
        return device.IsCpu ? Wrap(slot, to, bytes, MemFlags.ReadWrite) : Copy(slot, bytes);
    }

    /// <summary>Waits for the run; then the results are in the host's memory.</summary>
    public void TakeBack()
    {
        bool wrapped = false;
        for (int i = 0; i < Slots; i++)
        {
            if (_results[i] == 0) continue;
            if (_wrapped[i].IsNull)
            {
                device.Read(_copies[i]!.Raw, (void*)_results[i], 0, _bytes[i]);
                continue;
            }

            wrapped = true;
            if (device.UsesHostMemory) continue;
            int status;
            void* at = OpenClLibrary.Api.EnqueueMapBuffer(device.Queue.Raw, _wrapped[i].Value, true, MapFlags.Read, 0, (nuint)_bytes[i], 0, null, null, &status);
            ClStatus.ThrowIfFailed(status, nameof(CL.EnqueueMapBuffer));
            ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueUnmapMemObject(device.Queue.Raw, _wrapped[i].Value, at, 0, null, null), nameof(CL.EnqueueUnmapMemObject));
        }

        if (wrapped) device.Finish();
    }

    /// <summary>Lets go of the caller's memory.</summary>
    public void Release()
    {
        for (int i = 0; i < Slots; i++)
        {
            _results[i] = 0;
            if (_wrapped[i].IsNull) continue;
            OpenClLibrary.Api.ReleaseMemObject(_wrapped[i].Value);
            _wrapped[i] = default;
        }
    }

    public void Dispose()
    {
        Release();
        foreach (ClMemHandle? m in _copies) m?.Dispose();
    }

    // A handle object for each run would be garbage for each run: these are released by hand.
    private ClMem Wrap(Slot slot, void* memory, long bytes, MemFlags flags)
    {
        int status;
        nint wrapped = OpenClLibrary.Api.CreateBuffer(device.Context.Raw, flags | MemFlags.UseHostPtr, (nuint)bytes, memory, &status);
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateBuffer));
        return _wrapped[(int)slot] = new ClMem(wrapped);
    }

    private ClMem Copy(Slot slot, long bytes) => (_copies[(int)slot] ??= device.AllocateMemory(bytes)).Raw;
}
