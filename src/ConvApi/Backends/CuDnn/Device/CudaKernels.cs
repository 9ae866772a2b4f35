using System.Globalization;
using System.Reflection;
using System.Text;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// The kernels of native/cuda, compiled at run time for the device: one module for each file and set of types, made at the first use and
/// kept with the device. The caller holds the device.
/// </summary>
internal sealed unsafe class CudaKernels(int computeCapability) : IDisposable
{
    private const string Header = "common.cuh";

    private readonly Dictionary<string, CudaModuleHandle> _modules = [];
    private readonly Dictionary<string, int> _parameters = [];
    private readonly Dictionary<(string Module, string Kernel), CUfunction> _functions = [];

    /// <summary>The kernel <paramref name="kernel"/> of <paramref name="file"/> for these element types.</summary>
    public CUfunction Get(string file, string kernel, DataType x, DataType? y = null, DataType? b = null, int? bytes = null)
    {
        string macros = string.Create(CultureInfo.InvariantCulture, $"-DBYTES={bytes ?? x.SizeOf()} -DX_TYPE={(int)x} -DY_TYPE={(int)(y ?? x)} -DB_TYPE={(int)(b ?? DataType.F32)}");
        string key = $"{file} {macros}";
        if (_functions.TryGetValue((key, kernel), out CUfunction known)) return known;
        if (!_modules.TryGetValue(key, out CudaModuleHandle? module)) _modules[key] = module = Load(file, macros.Split(' '));
        CUfunction function;
        byte[] name = Encoding.UTF8.GetBytes(kernel + "\0");
        fixed (byte* n = name) CudaDriver.cuModuleGetFunction(&function, module.Raw, n).Check(nameof(CudaDriver.cuModuleGetFunction));
        return _functions[(key, kernel)] = function;
    }

    /// <summary>How many parameters the kernel's source declares.</summary>
    public int Parameters(string file, string kernel)
    {
        if (_parameters.TryGetValue(kernel, out int known)) return known;
        string text = Encoding.UTF8.GetString(Text(file));
        int at = text.IndexOf($"__global__ void {kernel}(", StringComparison.Ordinal), end = text.IndexOf(')', at);
        return _parameters[kernel] = text.AsSpan(at, end - at).Count(',') + 1;
    }

    public void Dispose()
    {
        foreach (CudaModuleHandle module in _modules.Values) module.Dispose();
        _modules.Clear();
        _functions.Clear();
    }

    private CudaModuleHandle Load(string file, string[] macros)
    {
        byte[] image = Compile(file, macros);
        CUmodule raw;
        fixed (byte* code = image) CudaDriver.cuModuleLoadData(&raw, code).Check(nameof(CudaDriver.cuModuleLoadData));
        return CudaModuleHandle.Adopt(raw, nameof(CudaDriver.cuModuleLoadData));
    }

    private byte[] Compile(string file, string[] macros)
    {
        if (!CudaLibraries.Has(CudaLibrary.Nvrtc)) throw new NativeCallException("NVRTC", "dlopen", "absent", 0, "the run-time compiler was not found beside cuDNN: install nvidia-cuda-nvrtc of the same CUDA");
        (string architecture, bool binary) = Architecture();
        string[] options = [$"--gpu-architecture={architecture}", "--std=c++17", "--fmad=true", .. macros];
        nvrtcProgram program;
        fixed (byte* source = Text(file), name = Zero(file), header = Text(Header), headerName = Zero(Header))
        {
            byte* headers = header, names = headerName;
            Nvrtc.nvrtcCreateProgram(&program, source, name, 1, &headers, &names).Check(nameof(Nvrtc.nvrtcCreateProgram));
        }

        try
        {
            Build(program, options);
            nuint size;
            if (binary) Nvrtc.nvrtcGetCUBINSize(program, &size).Check(nameof(Nvrtc.nvrtcGetCUBINSize));
            else Nvrtc.nvrtcGetPTXSize(program, &size).Check(nameof(Nvrtc.nvrtcGetPTXSize));
            var image = new byte[size];
            fixed (byte* code = image)
            {
                if (binary) Nvrtc.nvrtcGetCUBIN(program, code).Check(nameof(Nvrtc.nvrtcGetCUBIN));
                else Nvrtc.nvrtcGetPTX(program, code).Check(nameof(Nvrtc.nvrtcGetPTX));
            }

            return image;
        }
        finally
        {
            _ = Nvrtc.nvrtcDestroyProgram(&program);
        }
    }

    private static void Build(nvrtcProgram program, string[] options)
    {
        byte[] all = Encoding.UTF8.GetBytes(string.Join('\0', options) + "\0");
        byte** starts = stackalloc byte*[options.Length];
        fixed (byte* text = all)
        {
            int at = 0;
            for (int i = 0; i < options.Length; i++)
            {
                starts[i] = text + at;
                at += Encoding.UTF8.GetByteCount(options[i]) + 1;
            }

            nvrtcResult result = Nvrtc.nvrtcCompileProgram(program, options.Length, starts);
            if (result != nvrtcResult.NVRTC_SUCCESS) result.Check(nameof(Nvrtc.nvrtcCompileProgram), Log(program));
        }
    }

    private static string? Log(nvrtcProgram program)
    {
        nuint size;
        if (Nvrtc.nvrtcGetProgramLogSize(program, &size) != nvrtcResult.NVRTC_SUCCESS || size < 2) return null;
        var log = new byte[size];
        fixed (byte* text = log)
            if (Nvrtc.nvrtcGetProgramLog(program, text) != nvrtcResult.NVRTC_SUCCESS) return null;
        return Encoding.UTF8.GetString(log, 0, log.Length - 1);
    }

    /// <summary>The device's own architecture, or where the compiler is older than the device the newest that it knows, for the driver to translate.</summary>
    private (string Name, bool Binary) Architecture()
    {
        int count;
        if (Nvrtc.nvrtcGetNumSupportedArchs(&count) != nvrtcResult.NVRTC_SUCCESS || count <= 0) return ($"sm_{computeCapability}", true);
        var known = new int[count];
        fixed (int* k = known)
            if (Nvrtc.nvrtcGetSupportedArchs(k) != nvrtcResult.NVRTC_SUCCESS) return ($"sm_{computeCapability}", true);
        if (known.Contains(computeCapability)) return ($"sm_{computeCapability}", true);
        int[] older = [.. known.Where(a => a < computeCapability)];
        return ($"compute_{(older.Length > 0 ? older.Max() : known.Min())}", false);
    }

    private static byte[] Zero(string text) => Encoding.UTF8.GetBytes(text + "\0");

    private static byte[] Text(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"cuda/{file}")
            ?? throw new InvalidOperationException($"the kernel source {file} is not in the assembly");
        var text = new byte[stream.Length + 1];
        stream.ReadExactly(text, 0, (int)stream.Length);
        return text;
    }
}
