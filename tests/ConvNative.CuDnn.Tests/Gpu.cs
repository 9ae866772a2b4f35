using System.Text;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Tests;

/// <summary>A few lines over the raw bindings, apart from the engine's own code: memory, copies, our kernels.</summary>
internal sealed unsafe class Gpu : IDisposable
{
    private readonly List<nint> _memory = [];
    private readonly List<CUmodule> _modules = [];

    /// <summary>Device memory that holds <paramref name="bytes"/>.</summary>
    public nint Upload(ReadOnlySpan<byte> bytes)
    {
        nint p = Allocate(bytes.Length);
        fixed (byte* b = bytes) Check(CudaRt.cudaMemcpy((void*)p, b, (nuint)bytes.Length, cudaMemcpyKind.cudaMemcpyHostToDevice));
        return p;
    }

    /// <summary>Device memory that the double has filled with ones: NaN in every floating type.</summary>
    public nint Allocate(long bytes)
    {
        void* p = null;
        Check(CudaRt.cudaMalloc(&p, (nuint)Math.Max(1, bytes)));
        _memory.Add((nint)p);
        return (nint)p;
    }

    public byte[] Download(nint p, long bytes)
    {
        byte[] to = new byte[bytes];
        fixed (byte* b = to) Check(CudaRt.cudaMemcpy(b, (void*)p, (nuint)bytes, cudaMemcpyKind.cudaMemcpyDeviceToHost));
        return to;
    }

    /// <summary>Compiles a file of native/cuda and gives its module.</summary>
    public CUmodule Compile(string file, params string[] macros)
    {
        byte[] source = Utf8(File.ReadAllText(Double.Source("native", "cuda", file))), header = Utf8(File.ReadAllText(Double.Source("native", "cuda", "common.cuh")));
        byte[] name = Utf8(file), include = Utf8("common.cuh");
        byte[][] options = [.. macros.Select(m => Utf8("-D" + m)), Utf8("--gpu-architecture=sm_90")];
        nvrtcProgram program = default;
        fixed (byte* s = source, h = header, n = name, i = include)
        {
            byte* headers = h, includes = i;
            Assert.AreEqual(nvrtcResult.NVRTC_SUCCESS, Nvrtc.nvrtcCreateProgram(&program, s, n, 1, &headers, &includes));
        }

        var pins = options.Select(o => System.Runtime.InteropServices.GCHandle.Alloc(o, System.Runtime.InteropServices.GCHandleType.Pinned)).ToArray();
        byte** list = stackalloc byte*[options.Length];
        for (int i = 0; i < pins.Length; i++) list[i] = (byte*)pins[i].AddrOfPinnedObject();
        nvrtcResult result = Nvrtc.nvrtcCompileProgram(program, options.Length, list);
        foreach (System.Runtime.InteropServices.GCHandle pin in pins) pin.Free();
        nuint size = 0;
        Nvrtc.nvrtcGetProgramLogSize(program, &size);
        byte[] log = new byte[size];
        fixed (byte* l = log) Nvrtc.nvrtcGetProgramLog(program, l);
        Assert.AreEqual(nvrtcResult.NVRTC_SUCCESS, result, Encoding.UTF8.GetString(log));
        Nvrtc.nvrtcGetCUBINSize(program, &size);
        byte[] cubin = new byte[size];
        CUmodule module;
        fixed (byte* c = cubin)
        {
            Nvrtc.nvrtcGetCUBIN(program, c);
            Assert.AreEqual(CUresult.CUDA_SUCCESS, CudaDriver.cuModuleLoadData(&module, c));
        }

        Nvrtc.nvrtcDestroyProgram(&program);
        _modules.Add(module);
        return module;
    }

    /// <summary>Launches a kernel over <paramref name="items"/>, few to a block and fewer blocks than needed, so that the walk is tested. Arguments are int, long, ulong, double, nint or a record of longs.</summary>
    public static void Launch(CUmodule module, string kernel, long items, params object[] arguments) => Launch(module, kernel, (uint)Math.Clamp((items + 255) / 256, 1, 3), 256, 1, arguments);

    public static void Launch(CUmodule module, string kernel, uint blocks, uint threads, uint threadsY, object[] arguments)
    {
        CUfunction f;
        fixed (byte* n = Utf8(kernel)) Assert.AreEqual(CUresult.CUDA_SUCCESS, CudaDriver.cuModuleGetFunction(&f, module, n), kernel);
        byte[] values = new byte[arguments.Length * 256];
        fixed (byte* v = values)
        {
            void** list = stackalloc void*[arguments.Length];
            for (int i = 0; i < arguments.Length; i++)
            {
                byte* at = v + (i * 256);
                list[i] = at;
                switch (arguments[i])
                {
                    case int x: *(int*)at = x; break;
                    case long x: *(long*)at = x; break;
                    case ulong x: *(ulong*)at = x; break;
                    case double x: *(double*)at = x; break;
                    case nint x: *(nint*)at = x; break;
                    case long[] x: x.AsSpan().CopyTo(new Span<long>(at, 32)); break;
                    default: throw new ArgumentException(arguments[i].GetType().Name);
                }
            }

            Assert.AreEqual(CUresult.CUDA_SUCCESS, CudaDriver.cuLaunchKernel(f, blocks, 1, 1, threads, threadsY, 1, 0, default, list, null), kernel);
        }
    }

    public static void Check(cudaError_t error) => Assert.AreEqual(cudaError_t.cudaSuccess, error, Double.Log);

    public void Dispose()
    {
        foreach (nint p in _memory) _ = CudaRt.cudaFree((void*)p);
        foreach (CUmodule m in _modules) _ = CudaDriver.cuModuleUnload(m);
        Assert.AreEqual(0, Double.GuardErrors, "a kernel wrote beside its memory");
        Assert.AreEqual(0, Double.Misuses, Double.MisuseText);
    }

    private static byte[] Utf8(string s) => Encoding.UTF8.GetBytes(s + "\0");
}
