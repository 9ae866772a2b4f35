using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings;
using ConvNative.Bindings.CuDnn;
using ConvNative.Plans;
using static ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;
using static ConvNative.Bindings.CuDnn.cudnnBackendDescriptorType_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>
/// Finds an execution plan for a graph: cuDNN's heuristics propose engines, the filter refuses some, finalising refuses others (which is
/// normal), the first that is left is taken, or with <see cref="Tuning.Measure"/> the fastest.
/// </summary>
internal static class GraphCompiler
{
    private const int MostMeasured = 8;
    private const int MostReasons = 6;

    /// <summary>A plan, or why there is none.</summary>
    /// <exception cref="NativeCallException">Something else than a lack of support.</exception>
    public static (CompiledGraph? Plan, string Reason) Compile(CudaDevice device, GraphSpec spec, EngineFilter filter, Tuning tuning)
    {
        var refusals = new List<string>();
        GraphBuilder graph;
        try
        {
            graph = new GraphBuilder(device, spec);
        }
        catch (NativeCallException e) when (e.IsUnsupported())
        {
            return (null, $"the graph was refused: {e.StatusName}");
        }

        using (graph)
        {
            List<CompiledGraph> plans = [];
            try
            {
                NativeCallException? broken = null;
                foreach (cudnnBackendHeurMode_t mode in new[] { cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_A, cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_FALLBACK })
                {
                    if (plans.Count > 0 && tuning != Tuning.Measure) break;
                    Propose(device, graph.Graph, mode, filter, tuning != Tuning.Measure ? 1 : MostMeasured, plans, refusals, ref broken);
                }

                if (plans.Count == 0)
                {
                    // An engine that breaks while another one works is a refusal; when nothing is left, it is the error.
                    if (broken is not null) throw broken;
                    string all = refusals.Count == 0 ? "the heuristics propose no engine" : string.Join("; ", refusals.Take(MostReasons)) + (refusals.Count > MostReasons ? $"; and {refusals.Count - MostReasons} more" : "");
                    return (null, $"{refusals.Count} engines tried: {all}");
                }

                CompiledGraph best = plans.Count == 1 ? plans[0] : GraphTimer.Fastest(device, spec, plans);
                plans.Remove(best);
                return (best, "");
            }
            finally
            {
                foreach (CompiledGraph plan in plans) plan.Dispose();
            }
        }
    }

    /// <summary>Whether an execution plan could not be finalised for another reason than a lack of support.</summary>
    private static bool IsBrokenEngine(NativeCallException e) => e.Function == $"{nameof(Cudnn.cudnnBackendFinalize)}({CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR})";

    private static void Propose(
        CudaDevice device, CudnnDescriptorHandle graph, cudnnBackendHeurMode_t mode, EngineFilter filter, int most, List<CompiledGraph> plans, List<string> refusals, ref NativeCallException? broken)
    {
        var configurations = new List<CudnnDescriptorHandle>();
        try
        {
            try
            {
                Ask(graph, mode, configurations);
            }
            catch (NativeCallException e) when (e.IsUnsupported())
            {
                refusals.Add($"heuristics {mode.ToString()["CUDNN_HEUR_MODE_".Length..]}: {e.StatusName}");
                return;
            }

            foreach (CudnnDescriptorHandle configuration in configurations)
            {
                if (plans.Count >= most) return;
                Try(device, configuration, mode, filter, plans, refusals, ref broken);
            }
        }
        finally
        {
            foreach (CudnnDescriptorHandle configuration in configurations) configuration.Dispose();
        }
    }

    private static void Ask(CudnnDescriptorHandle graph, cudnnBackendHeurMode_t mode, List<CudnnDescriptorHandle> configurations)
    {
        using CudnnDescriptorHandle heuristics = Descriptor.Make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, d =>
        {
            d.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
            d.Set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
        });
        long count = heuristics.Count(CUDNN_ATTR_ENGINEHEUR_RESULTS);
        for (long i = 0; i < count; i++) configurations.Add(Descriptor.Create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
        if (count == 0) return;
        long filled = heuristics.Fill(CUDNN_ATTR_ENGINEHEUR_RESULTS, [.. configurations]);
        for (int i = configurations.Count - 1; i >= filled; i--)
        {
            configurations[i].Dispose();
            configurations.RemoveAt(i);
        }
    }

    private static void Try(
        CudaDevice device, CudnnDescriptorHandle configuration, cudnnBackendHeurMode_t mode, EngineFilter filter, List<CompiledGraph> plans, List<string> refusals, ref NativeCallException? broken)
    {
        EngineNotes engine;
        try
        {
            engine = Notes(configuration);
        }
        catch (NativeCallException e)
        {
            // Without its notes nobody knows whether an engine is TF32 or repeats its bits: no plan could say so, whatever is permitted.
            refusals.Add($"an engine's notes cannot be read: {e.Function}: {e.StatusName}");
            if (!e.IsUnsupported()) broken ??= e;
            return;
        }

        if (plans.Any(p => p.Name == engine.ToString()) && mode == cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_FALLBACK) return;
        if (filter.Refuses(engine) is { } reason)
        {
            refusals.Add($"eng{engine.Index}: {reason}");
            return;
        }

        CudnnDescriptorHandle plan;
        try
        {
            plan = Descriptor.Make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, d =>
            {
                d.Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, device.Cudnn.Raw);
                d.Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
            });
        }
        catch (NativeCallException e) when (IsBrokenEngine(e))
        {
            refusals.Add($"eng{engine.Index}: {e.StatusName}");
            if (!e.IsUnsupported()) broken ??= e;
            return;
        }

        try
        {
            long workspace = plan.GetInt64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
            if (filter.RefusesWorkspace(workspace) is { } large)
            {
                refusals.Add($"eng{engine.Index}: {large}");
                plan.Dispose();
                return;
            }

            bool tensor = engine.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || engine.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
            string why = mode == cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_A ? "cuDNN's heuristics rank it first of those permitted" : "only cuDNN's fallback engines are permitted and supported";
            plans.Add(new CompiledGraph(plan, engine.ToString(), engine.Algorithm, tensor, !engine.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC), workspace, why));
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    private static EngineNotes Notes(CudnnDescriptorHandle configuration)
    {
        using CudnnDescriptorHandle engine = Descriptor.Create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
        configuration.Fill(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
        return new EngineNotes(
            engine.GetInt64(CUDNN_ATTR_ENGINE_GLOBAL_INDEX),
            [.. engine.GetNotes(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, cudnnBackendAttributeType_t.CUDNN_TYPE_NUMERICAL_NOTE).Select(n => (cudnnBackendNumericalNote_t)n)],
            [.. engine.GetNotes(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, cudnnBackendAttributeType_t.CUDNN_TYPE_BEHAVIOR_NOTE).Select(n => (cudnnBackendBehaviorNote_t)n)]);
    }
}
