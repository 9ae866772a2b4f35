using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>An open device: its context, its one queue, in which everything is done in order, and its programs.</summary>
internal sealed unsafe class ClDevice : ConvDevice
{
    public ClDevice(string id, ClDeviceProperties properties, string? family = null, string? tuningFolder = null)
    {
        Id = id;
        Family = family ?? (Environment.GetEnvironmentVariable(ClRoutines.FamilyVariable) is { Length: > 0 } named ? named : properties.IsCpu ? "cpu" : "gpu");
        Properties = properties;
        nint device = properties.Device;
        int status;
        nint context = OpenClLibrary.Api.CreateContext(null, 1, &device, null, null, &status);
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateContext));
        Context = ClContextHandle.Adopt(context, nameof(CL.CreateContext));
        try
        {
            nint queue = OpenClLibrary.Api.CreateCommandQueue(Context.Raw, device, CommandQueueProperties.None, &status);
            ClStatus.ThrowIfFailed(status, nameof(CL.CreateCommandQueue));
            Queue = ClQueueHandle.Adopt(queue, nameof(CL.CreateCommandQueue), Context);
            Programs = new ClPrograms(this, ClBinaryCache.User);
            UsesHostMemory = properties.IsCpu && StoresReachTheHost();
        }
        catch
        {
            Queue?.Dispose();
            Context.Dispose();
            throw;
        }

        Tuned = new TuningStore(() => $"opencl-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{properties.Identity}|{properties.ComputeUnits}|{ClTuner.Generation}"))))[..16]}", tuningFolder);
    }

    public override string Id { get; }

    public override string Name => Properties.Name;

    public ClDeviceProperties Properties { get; }

    /// <summary>Whose routines are asked: <c>cpu</c>, <c>gpu</c> or <c>plain</c>.</summary>
    public string Family { get; }

    public ClContextHandle Context { get; }

    public ClQueueHandle Queue { get; }

    public ClPrograms Programs { get; }

    /// <summary>What was measured on this device with this driver.</summary>
    public TuningStore Tuned { get; }

    public bool IsCpu => Properties.IsCpu;

    /// <summary>
    /// A kernel's stores to the host's memory under a buffer are there when the queue is empty, without a map: two commands and a change of threads
    /// less for each run (PoCL: 10 to 20 us). OpenCL promises that for no such buffer, so it was tried when the device was opened: by a kernel that
    /// changes 256 KiB which begin four bytes beside a page.
    /// </summary>
    public bool UsesHostMemory { get; }

    public override DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new ClBuffer(this, bytes);
    }

    public override ValueTask SynchronizeAsync()
    {
        try
        {
            nint done;
            ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueMarkerWithWaitList(Queue.Raw, 0, null, &done), nameof(CL.EnqueueMarkerWithWaitList));
            return ClErrors.Translated(ClEvents.WhenDone(this, done));
        }
        catch (NativeCallException e)
        {
            throw ClErrors.Translated(e);
        }
    }

    /// <summary>Memory of the device, at least one byte long (OpenCL knows no empty buffers).</summary>
    /// <exception cref="DeviceMemoryException">There is no room.</exception>
    public ClMemHandle AllocateMemory(long bytes)
    {
        if (bytes > Properties.MaxAllocationBytes) throw new DeviceMemoryException(Id, bytes);
        int status;
        nint memory = OpenClLibrary.Api.CreateBuffer(Context.Raw, MemFlags.ReadWrite, (nuint)Math.Max(1, bytes), null, &status);
        if ((ErrorCodes)status is ErrorCodes.MemObjectAllocationFailure or ErrorCodes.OutOfResources or ErrorCodes.OutOfHostMemory or ErrorCodes.InvalidBufferSize)
            throw new DeviceMemoryException(Id, bytes, ClStatus.Failure(status, nameof(CL.CreateBuffer)));
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateBuffer));
        return ClMemHandle.Adopt(memory, nameof(CL.CreateBuffer), Context);
    }

    /// <summary>Memory that starts with the host's bytes.</summary>
    public ClMemHandle AllocateMemory<T>(ReadOnlySpan<T> contents)
        where T : unmanaged
    {
        ClMemHandle memory = AllocateMemory((long)contents.Length * sizeof(T));
        try
        {
            fixed (T* p = contents) Write(memory.Raw, p, 0, (long)contents.Length * sizeof(T));
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Copies from the host; the call returns when the host's memory may change.</summary>
    public void Write(ClMem to, void* from, long offset, long bytes)
    {
        if (bytes > 0) ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueWriteBuffer(Queue.Raw, to.Value, true, (nuint)offset, (nuint)bytes, from, 0, null, null), nameof(CL.EnqueueWriteBuffer));
    }

    /// <summary>Copies to the host, after all work asked for before.</summary>
    public void Read(ClMem from, void* to, long offset, long bytes)
    {
        if (bytes > 0) ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueReadBuffer(Queue.Raw, from.Value, true, (nuint)offset, (nuint)bytes, to, 0, null, null), nameof(CL.EnqueueReadBuffer));
    }

    /// <summary>Queues a copy between buffers of this device.</summary>
    public void Copy(ClMem from, long fromOffset, ClMem to, long toOffset, long bytes)
    {
        if (bytes > 0) ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueCopyBuffer(Queue.Raw, from.Value, to.Value, (nuint)fromOffset, (nuint)toOffset, (nuint)bytes, 0, null, null), nameof(CL.EnqueueCopyBuffer));
    }

    private bool StoresReachTheHost()
    {
        const int Count = 1 << 16, Page = 4096, Bytes = Count * sizeof(int);
        int* memory = (int*)NativeMemory.AlignedAlloc(Bytes + Page, Page);
        try
        {
            var numbers = new Span<int>(memory + 1, Count);
            for (int i = 0; i < Count; i++) numbers[i] = i;
            int status;
            nint raw = OpenClLibrary.Api.CreateBuffer(Context.Raw, MemFlags.ReadWrite | MemFlags.UseHostPtr, Bytes, memory + 1, &status);
            if (status != (int)ErrorCodes.Success) return false;
            using ClMemHandle buffer = ClMemHandle.Adopt(raw, nameof(CL.CreateBuffer), Context);
            using ClProgramHandle program = Programs.Build("probe", "kernel void invert(global int *x) { x[get_global_id(0)] ^= -1; }", "-cl-std=CL1.2");
            using var kernel = new ClKernel(this, program, "invert");
            kernel.Set(0, buffer);
            kernel.Enqueue(Count);
            Finish();
            for (int i = 0; i < Count; i++)
                if (numbers[i] != ~i) return false;
            return true;
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>Waits for all work asked for.</summary>
    public void Finish() => ClStatus.ThrowIfFailed(OpenClLibrary.Api.Finish(Queue.Raw), nameof(CL.Finish));
}
