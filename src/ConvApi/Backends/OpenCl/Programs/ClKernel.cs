using System.Text;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>One kernel of a program with arguments of its own. Belongs to a plan: OpenCL's kernel objects are not for several threads.</summary>
internal sealed unsafe class ClKernel : IDisposable
{
    private readonly ClDevice _device;
    private readonly ClKernelHandle _kernel;
    private readonly string _enqueue;

    /// <summary>The kernel called <paramref name="name"/>.</summary>
    public ClKernel(ClDevice device, ClProgramHandle program, string name)
    {
        _device = device;
        Name = name;
        int status;
        nint raw;
        fixed (byte* n = Encoding.UTF8.GetBytes(name + '\0')) raw = OpenClLibrary.Api.CreateKernel(program.Raw, n, &status);
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateKernel));
        // Made once: a string for each run would be garbage for each run.
        _enqueue = $"{nameof(CL.EnqueueNdrangeKernel)}({name})";
        _kernel = ClKernelHandle.Adopt(raw, nameof(CL.CreateKernel), program);
    }

    public string Name { get; }

    public void Dispose() => _kernel.Dispose();

    /// <summary>Sets a pointer to a buffer; a null buffer is a null pointer.</summary>
    public void Set(int index, ClMem memory) => ClStatus.ThrowIfFailed(OpenClLibrary.Api.SetKernelArg(_kernel.Raw, (uint)index, (nuint)sizeof(ClMem), memory.IsNull ? null : &memory), nameof(CL.SetKernelArg));

    /// <summary>Sets a pointer to memory that belongs to the plan.</summary>
    public void Set(int index, ClMemHandle memory) => Set(index, memory.Raw);

    /// <summary>Sets a value: int for <c>int</c>, long for <c>long</c>, and so on.</summary>
    public void Set<T>(int index, T value)
        where T : unmanaged => ClStatus.ThrowIfFailed(OpenClLibrary.Api.SetKernelArg(_kernel.Raw, (uint)index, (nuint)sizeof(T), &value), nameof(CL.SetKernelArg));

    /// <summary>Reserves local memory for a <c>local</c> pointer.</summary>
    public void SetLocal(int index, long bytes) => ClStatus.ThrowIfFailed(OpenClLibrary.Api.SetKernelArg(_kernel.Raw, (uint)index, (nuint)bytes, null), nameof(CL.SetKernelArg));

    /// <summary>
    /// Queues a run over x*y*z work-items in groups of <paramref name="groupX"/>*<paramref name="groupY"/>; x and y are rounded up to whole groups,
    /// so kernels check them. Nothing happens where one is 0.
    /// </summary>
    /// <remarks>A kernel keeps one group size wherever it is used: PoCL compiles a kernel anew for every one.</remarks>
    public void Enqueue(long x, long y = 1, long z = 1, int groupX = 64, int groupY = 1)
    {
        if (x == 0 || y == 0 || z == 0) return;
        nuint* global = stackalloc nuint[3], local = stackalloc nuint[3];
        (global[0], global[1], global[2]) = ((nuint)RoundUp(x, groupX), (nuint)RoundUp(y, groupY), (nuint)z);
        (local[0], local[1], local[2]) = ((nuint)groupX, (nuint)groupY, 1);
        ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueNdrangeKernel(_device.Queue.Raw, _kernel.Raw, 3, null, global, local, 0, null, null), _enqueue);
    }

    private static long RoundUp(long n, int step) => (n + step - 1) / step * step;
}
