using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// One launch with its arguments laid out once; a run writes the operands' addresses into them. Arguments are added in the kernel's
/// own order. It allocates nothing when it runs.
/// </summary>
internal sealed unsafe class KernelCall(CUfunction function, string name, long items, int parameters) : ICudaStep
{
    private const int Capacity = 1024;
    private const int Most = 32;
    private const uint Threads = 256;
    private const long MostBlocks = 65535;

    // Composed once: a launch allocates nothing.
    private readonly string _function = $"{nameof(CudaDriver.cuLaunchKernel)}({name})";
    private readonly byte* _data = (byte*)NativeMemory.AlignedAlloc(Capacity + (Most * (nuint)sizeof(void*)), 64);
    private readonly List<(int At, Operand Operand, long Offset)> _operands = [];
    private uint _blocks = (uint)Math.Clamp((items + Threads - 1) / Threads, 1, MostBlocks);
    private int _used;
    private int _count;
    private Operand? _needs;
    private bool _freed;

    /// <summary>The kernel's name, for messages.</summary>
    public string Name { get; } = name;

    private void** Arguments => (void**)(_data + Capacity);

    /// <summary>For kernels that want a number of blocks rather than of items.</summary>
    public KernelCall Blocks(long blocks)
    {
        _blocks = (uint)Math.Clamp(blocks, 1, MostBlocks);
        return this;
    }

    /// <summary>Launched only where the caller gave this operand.</summary>
    public KernelCall OnlyWith(Operand operand)
    {
        _needs = operand;
        return this;
    }

    /// <summary>A tensor, from <paramref name="offset"/> bytes on; null is a null pointer.</summary>
    public KernelCall Add(Operand? operand, long offset = 0)
    {
        nint none = 0;
        int at = Put(&none, sizeof(nint), sizeof(nint));
        if (operand is not null) _operands.Add((at, operand, offset));
        return this;
    }

    /// <summary>A number or a record by value.</summary>
    public KernelCall Add<T>(T value)
        where T : unmanaged
    {
        Put(&value, sizeof(T), Math.Min(sizeof(T), sizeof(long)));
        return this;
    }

    /// <summary>The driver takes any list of arguments and the kernel reads past it: so they are counted against the source.</summary>
    public void CheckComplete()
    {
        if (_count != parameters) throw new InvalidOperationException($"{Name}: {_count} arguments for {parameters} parameters");
    }

    public void Run(CudaDevice device)
    {
        if (items == 0 || _needs is { Pointer: null }) return;
        foreach ((int at, Operand operand, long offset) in CollectionsMarshal.AsSpan(_operands)) *(byte**)(_data + at) = (byte*)operand.Pointer + offset;
        CudaDriver.cuLaunchKernel(function, _blocks, 1, 1, Threads, 1, 1, 0, device.Stream.Raw, Arguments, null).Check(_function);
    }

    public void Dispose()
    {
        if (_freed) return;
        _freed = true;
        NativeMemory.AlignedFree(_data);
    }

    private int Put(void* value, int bytes, int alignment)
    {
        int at = (_used + alignment - 1) / alignment * alignment;
        if (at + bytes > Capacity || _count == Most) throw new InvalidOperationException($"{Name}: too many arguments");
        Unsafe.CopyBlockUnaligned(_data + at, value, (uint)bytes);
        _used = at + bytes;
        Arguments[_count++] = _data + at;
        return at;
    }
}
