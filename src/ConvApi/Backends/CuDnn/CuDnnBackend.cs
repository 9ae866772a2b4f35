using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Backends.CuDnn.Plans;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn;

/// <summary>cuDNN 9 on NVIDIA GPUs, with kernels of our own for what it lacks.</summary>
public sealed unsafe class CuDnnBackend : ConvBackend
{
    internal const string BackendName = "cudnn";
    private const int MostReasons = 4096;

    // cuDNN addresses with 32 bits within a tensor.
    private const long MostElements = int.MaxValue;

    private readonly ConcurrentDictionary<(ConvProblem, PlanOptions), string> _unsupported = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<int, CudaDevice> _open = [];
    private readonly Dictionary<string, CudaDevice> _selected = [];

    /// <inheritdoc/>
    public override string Name => BackendName;

    /// <inheritdoc/>
    public override string Label => CudaLibraries.Load() is { IsLoaded: true, IsDouble: true } ? BackendName + " (protocol double)" : BackendName;

    /// <inheritdoc/>
    public override BackendStatus Status
    {
        get
        {
            CudaLoadReport r = CudaLibraries.Load();
            string[] details = [.. r.Parts.Select(p => p.ToString())];
            if (!r.IsLoaded) return new BackendStatus(false, r.Summary, details, r.Remedy);
            (int count, string? missing, string? remedy) = CountDevices();
            if (missing is not null) return new BackendStatus(false, $"{missing} ({r.Summary})", details, remedy);
            string name = r.IsDouble ? "cudnn (protocol double): " : "";
            DeviceInfo[] devices = DescribeAll(count);
            return Array.Exists(devices, d => d.Rejected is null)
                ? new BackendStatus(true, name + r.Summary, details, null)
                : new BackendStatus(false, $"no usable GPU among {count}: {string.Join("; ", devices.Select(d => $"{d.Name}: {d.Rejected}"))}", details, "use a GPU that this cuDNN supports, or an older cuDNN 9");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices
    {
        get
        {
            if (!CudaLibraries.Load().IsLoaded) return [];
            (int count, string? missing, _) = CountDevices();
            return missing is not null ? [] : DescribeAll(count);
        }
    }

    /// <inheritdoc/>
    public override ConvDevice OpenDevice(string? name = null) => Open(name);

    internal override bool IsHost => false;

    internal override bool HasAccelerator => Status.Available;

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Candidate is { } candidate) return PlanResult.Unsupported(PlanOptions.NoSuch(candidate, Name));
        if (Lacking(problem) is { } lacking) return PlanResult.Unsupported(lacking);
        if (_unsupported.TryGetValue((problem, options), out string? known)) return PlanResult.Unsupported(known);
        CudaDevice device = Open(options.Device);
        CudaProgram? program = null;
        try
        {
            lock (device.Gate)
            {
                device.Enter();
                program = new CudaProgram(device, Concrete(problem), options);
                string? reason = Build(program);
                if (reason is null && program.ScratchBytes > options.MaxWorkspaceBytes) reason = $"needs {program.ScratchBytes} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}";
                if (reason is null)
                {
                    program.Complete();
                    var plan = new CuDnnPlan(problem, program);
                    program = null;
                    return PlanResult.Supported(plan);
                }

                reason = $"cuDNN {CudaLibraries.Load().CudnnVersion}: {reason}";
                if (_unsupported.Count < MostReasons) _unsupported[(problem, options)] = reason;
                return PlanResult.Unsupported(reason);
            }
        }
        catch (NativeCallException e)
        {
            throw new ConvNativeException(BackendName, e.Message, e.Function, e.StatusName, problem, e);
        }
        catch (OverflowException e)
        {
            return PlanResult.Unsupported($"the cudnn engine cannot count with these sizes: {e.Message}");
        }
        finally
        {
            if (program is not null)
                lock (device.Gate) program.Dispose();
        }
    }

    /// <summary>Closes every device, so that a test can count what is left. Nothing made by this engine may be in use.</summary>
    internal void CloseDevices()
    {
        lock (_lock)
        {
            foreach (CudaDevice device in _open.Values) device.Dispose();
            _open.Clear();
            _selected.Clear();
            _unsupported.Clear();
        }
    }

    private static string? Build(CudaProgram program)
    {
        ConvProblem p = program.Problem;
        if (p.InputShape.Product == 0)
        {
            program.Add(new FillStep(program.Result, checked(p.ResultShape.Product * p.ResultType.SizeOf())));
            program.Add(new FillStep(program.BiasResult, p.HasBias ? p.OutputChannels * p.BiasType.SizeOf() : 0));
            return null;
        }

        if (p.Direction == Direction.BackwardBias)
        {
            if (p.OutputType.IsInteger() || p.InputType.IsInteger()) return $"data_type {p.OutputType.Name()}: 8-bit integers are computed forward only";
            program.BiasGradient(program.Result);
            return null;
        }

        if (!p.HasWeights) return RearrangeBuilder.Build(program);
        if (p.Op == ConvOp.Deformable) return DeformBuilder.Build(program);
        return p.InputType.IsInteger() ? IntegerBuilder.Build(program) : LinearBuilder.Build(program, p, LinearTensors.Of(program));
    }

    /// <summary>What is known before anything is loaded.</summary>
    private static string? Lacking(ConvProblem p)
    {
        if (!p.HasWeights || p.Op == ConvOp.Deformable || p.Direction == Direction.BackwardBias) return null;
        long most = Math.Max(p.InputShape.Product, Math.Max(p.OutputShape.Product, p.WeightCount));
        return most > MostElements ? $"a tensor has {most} elements: cuDNN addresses {MostElements} at most; split the batch" : null;
    }

    /// <summary>Every layout decided: 16-bit and 8-bit tensors run on tensor cores, which want channels last.</summary>
    private static ConvProblem Concrete(ConvProblem p)
    {
        if (p.InputLayout != Layout.Any && p.OutputLayout != Layout.Any && p.WeightLayout != Layout.Any) return p;
        Layout chosen = p.HasWeights && p.InputType.SizeOf() < sizeof(float) ? Layout.ChannelsLast : Layout.ChannelsFirst;

        // The caller's weights come plain: any means that there is no order to keep, and the plan copies them anyway.
        Layout Of(Layout l) => l == Layout.Any ? chosen : l;
        return p.With(s => s with { InputLayout = Of(s.InputLayout), OutputLayout = Of(s.OutputLayout), WeightLayout = s.WeightLayout == Layout.Any ? Layout.ChannelsFirst : s.WeightLayout });
    }

    private CudaDevice Open(string? selector)
    {
        // An open device is not looked for again with every plan.
        lock (_lock)
            if (_selected.TryGetValue(selector ?? "", out CudaDevice? known)) return known;
        BackendStatus status = Status;
        if (!status.Available) throw new ConvNativeException(BackendName, $"unavailable: {status.Summary}{(status.Remedy is null ? "" : $"; {status.Remedy}")}");
        DeviceInfo found = FindDevice(selector) ?? throw new ArgumentException($"device = {selector}: {BackendName} has {string.Join(", ", Devices.Select(d => $"{d.Id} ({d.Name})"))}", nameof(selector));
        if (found.Rejected is not null) throw new ArgumentException($"device = {selector}: {found.Id} ({found.Name}) is rejected: {found.Rejected}", nameof(selector));
        int ordinal = int.Parse(found.Id.AsSpan(BackendName.Length + 1), CultureInfo.InvariantCulture);
        lock (_lock)
        {
            try
            {
                if (!_open.TryGetValue(ordinal, out CudaDevice? device)) _open[ordinal] = device = new CudaDevice(ordinal, found.Id, found.Name);
                return _selected[selector ?? ""] = device;
            }
            catch (NativeCallException e)
            {
                throw new ConvNativeException(BackendName, e.Message, e.Function, e.StatusName, null, e);
            }
        }
    }

    // Not inlined: an import may be bound when its caller is compiled, which must be after the load.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static (int Count, string? Missing, string? Remedy) CountDevices()
    {
        int count = 0;
        cudaError_t error = CudaRt.cudaGetDeviceCount(&count);
        if (error != cudaError_t.cudaSuccess) _ = CudaRt.cudaGetLastError();
        return error switch
        {
            cudaError_t.cudaSuccess when count > 0 => (count, null, null),
            cudaError_t.cudaSuccess or cudaError_t.cudaErrorNoDevice => (0, "the libraries are there, but no GPU", "use a machine with an NVIDIA GPU (in a container: --gpus all; check CUDA_VISIBLE_DEVICES)"),
            cudaError_t.cudaErrorInsufficientDriver => (0, "the NVIDIA driver is older than the CUDA runtime", "update the NVIDIA driver"),
            _ => (0, $"the GPUs cannot be counted: {error}", "check the NVIDIA driver with nvidia-smi"),
        };
    }

    private static DeviceInfo[] DescribeAll(int count) => [.. Enumerable.Range(0, count).Select(Describe)];

    private static DeviceInfo Describe(int ordinal)
    {
        string id = $"{BackendName}:{ordinal.ToString(CultureInfo.InvariantCulture)}";
        try
        {
            int device;
            CudaDriver.cuInit(0).Check(nameof(CudaDriver.cuInit));
            CudaDriver.cuDeviceGet(&device, ordinal).Check(nameof(CudaDriver.cuDeviceGet));
            byte* text = stackalloc byte[256];
            CudaDriver.cuDeviceGetName(text, 255, device).Check(nameof(CudaDriver.cuDeviceGetName));
            nuint memory;
            CudaDriver.cuDeviceTotalMem_v2(&memory, device).Check(nameof(CudaDriver.cuDeviceTotalMem_v2));
            int major = CudaDevice.Attribute(cudaDeviceAttr.cudaDevAttrComputeCapabilityMajor, ordinal), minor = CudaDevice.Attribute(cudaDeviceAttr.cudaDevAttrComputeCapabilityMinor, ordinal);
            int units = CudaDevice.Attribute(cudaDeviceAttr.cudaDevAttrMultiProcessorCount, ordinal);
            int cuda = CudaLibraries.Load().CudaMajor, least = cuda >= 13 ? 75 : 50;
            string? rejected = (major * 10) + minor < least ? string.Create(CultureInfo.InvariantCulture, $"compute capability {major}.{minor}: cuDNN 9 for CUDA {cuda} needs {least / 10}.{least % 10}") : null;
            string name = Encoding.UTF8.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
            return new DeviceInfo(id, name, new Dictionary<string, string>
            {
                ["compute_capability"] = string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}"),
                ["multiprocessors"] = units.ToString(CultureInfo.InvariantCulture),
                ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{(ulong)memory >> 20} MiB"),
            }, rejected);
        }
        catch (NativeCallException e)
        {
            return new DeviceInfo(id, "unknown", new Dictionary<string, string>(), e.Message);
        }
    }
}
