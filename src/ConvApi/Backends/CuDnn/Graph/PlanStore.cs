using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Cuda;
using ConvNative.Plans;
using static ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>
/// Measured plans in the user's cache, as cuDNN's own JSON: good for the same cuDNN on the same kind of device. A file that cannot be
/// read, written or restored costs a new measurement, nothing else.
/// </summary>
internal static class PlanStore
{
    public static CompiledGraph? Load(CudaDevice device, GraphSpec spec, EngineFilter filter, Tuning tuning)
    {
        if (tuning != Tuning.Measure || FilePath(device, spec, filter) is not { } path) return null;
        try
        {
            if (!File.Exists(path) || File.ReadAllText(path).Split('\n', 5) is not [var name, var algorithm, var tensor, var deterministic, var json]) return null;
            return Restore(device, filter, name, Enum.Parse<AlgorithmClass>(algorithm), bool.Parse(tensor), bool.Parse(deterministic), json);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    public static void Save(CudaDevice device, GraphSpec spec, EngineFilter filter, CompiledGraph plan)
    {
        if (FilePath(device, spec, filter) is not { } path || plan.Plan.GetText(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) is not { } json) return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            string draft = $"{path}.{Environment.ProcessId}";
            File.WriteAllText(draft, $"{plan.Name}\n{plan.Algorithm}\n{plan.IsTensorCore}\n{plan.IsDeterministic}\n{json}");
            File.Move(draft, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without a writable cache the choice lives as long as the process.
        }
    }

    private static CompiledGraph? Restore(CudaDevice device, EngineFilter filter, string name, AlgorithmClass algorithm, bool tensor, bool deterministic, string json)
    {
        CudnnDescriptorHandle? plan = null;
        try
        {
            plan = Descriptor.Make(cudnnBackendDescriptorType_t.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, d =>
            {
                d.Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, device.Cudnn.Raw);
                d.SetText(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, json);
            });
            long workspace = plan.GetInt64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
            if (filter.RefusesWorkspace(workspace) is null) return new CompiledGraph(plan, name, algorithm, tensor, deterministic, workspace, "measured fastest before; restored from the cache");
        }
        catch (NativeCallException)
        {
            // Another build of cuDNN, a changed device: the plan is searched anew.
        }

        plan?.Dispose();
        return null;
    }

    private static string? FilePath(CudaDevice device, GraphSpec spec, EngineFilter filter)
    {
        CudaLoadReport library = CudaLibraries.Load();
        if (UserCache.Folder("cudnn") is not { } cache) return null;
        string folder = string.Create(CultureInfo.InvariantCulture, $"{(library.IsDouble ? "double-" : "")}{library.CudnnVersion}-cuda{library.CudaMajor}-sm{device.ComputeCapability}");
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{device.Name} {spec.Key} {filter}"));
        return Path.Combine(cache, folder, Convert.ToHexStringLower(hash)[..32] + ".plan");
    }
}
