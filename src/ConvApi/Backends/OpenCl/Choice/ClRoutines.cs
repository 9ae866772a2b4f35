using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Choice;

/// <summary>Which routines there are and in which order they are asked: the first that serves a request makes the plan.</summary>
internal static class ClRoutines
{
    /// <summary><c>cpu</c>, <c>gpu</c> or <c>plain</c>: overrides the device's kind, so that the kernels of the others can be tried.</summary>
    public const string FamilyVariable = "CONVNATIVE_OPENCL_FAMILY";

    // Fast routines for processors: work-items are cores, vectors are written out, nothing goes through local memory.
    private static readonly ClRoutine[] s_cpu = [new CpuLanesRoutine(), new CpuFlatRoutine(), new CpuPlanesRoutine(), new CpuBlockedRoutine(), new CpuOuterRoutine()];

    // Fast routines for everything else: tiles in local memory, neighbouring work-items read neighbouring elements.
    private static readonly ClRoutine[] s_gpu = [new GemmRoutine()];

    // They serve every problem that the engine supports at all.
    private static readonly ClRoutine[] s_plain =
    [
        new DirectRoutine(), new DeformRoutine(), new ShuffleRoutine(), new Im2colRoutine(), new Col2imRoutine(), new IntegerRoutine(),
    ];

    /// <summary>A plan of the first routine that serves the problem and finds room, or every routine's reason.</summary>
    /// <exception cref="DeviceMemoryException">Of the routines that serve the problem none finds room on the device.</exception>
    public static PlanResult Create(ConvProblem problem, ClDevice device, PlanOptions options) => Create(problem, device, options, Of(device));

    /// <summary>As the other, of these routines only.</summary>
    public static PlanResult Create(ConvProblem problem, ClDevice device, PlanOptions options, IEnumerable<ClRoutine> routines)
    {
        var request = new ClRequest(problem, device, options);
        if (request.Types.Lacking(device.Properties) is { } type) return PlanResult.Unsupported(type);
        if (!request.Geometry.Fits) return PlanResult.Unsupported("a size, stride or reach beyond 2^29: the opencl engine's kernels index axes with 32 bits");
        var reasons = new List<string>();
        var serving = new List<ClRoutine>();
        foreach (ClRoutine routine in routines)
        {
            string? reason = Lacking(routine, request);
            if (reason is null) serving.Add(routine);
            else if (reason != ClRoutine.NotMine) reasons.Add($"{routine.Name}: {reason}");
        }

        if (ClTuner.Known(request, serving) is { } known) return PlanResult.Supported(known);
        if (options.Tuning == Tuning.Measure && ClTuner.Best(request, serving) is { } tuned) return PlanResult.Supported(tuned);
        int full = 0;
        foreach (ClRoutine routine in serving)
        {
            ClPlan plan;
            try
            {
                plan = ClPlan.Make(routine, request);
            }
            catch (Exception e) when (e is MemoryBudgetException or OverflowException)
            {
                reasons.Add($"{routine.Name}: {Told(e)}");
                continue;
            }
            catch (DeviceMemoryException e)
            {
                // The next may need less; the last one's failure is the answer where all failed so.
                if (++full == serving.Count) throw;
                reasons.Add($"{routine.Name}: {e.Message}");
                continue;
            }

            if (plan.WorkspaceBytes <= options.MaxWorkspaceBytes) return PlanResult.Supported(plan);
            reasons.Add($"{routine.Name}: needs {plan.WorkspaceBytes} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}");
            plan.Dispose();
        }

        return PlanResult.Unsupported(string.Join("; ", reasons));
    }

    /// <summary>The routine's answer; numbers that it cannot count with are one, too.</summary>
    private static string? Lacking(ClRoutine routine, ClRequest request)
    {
        using var budget = new MemoryBudget(MemoryBudget.Of(request.Problem));
        try
        {
            return routine.Lacking(request);
        }
        catch (Exception e) when (e is MemoryBudgetException or OverflowException)
        {
            return Told(e);
        }
    }

    private static string Told(Exception e) => e is MemoryBudgetException ? e.Message : $"cannot count with these sizes: {e.Message}";

    /// <summary>The routines for a device, in the order in which they are asked.</summary>
    public static IEnumerable<ClRoutine> Of(ClDevice device) => Of(device.Family);

    /// <summary>The routines of a family.</summary>
    public static IEnumerable<ClRoutine> Of(string family) => family switch
    {
        "cpu" => [.. s_cpu, .. s_plain],
        "gpu" => [.. s_gpu, .. s_plain],
        "plain" => s_plain,
        _ => throw new ConvNativeException(OpenClBackend.EngineName, $"{FamilyVariable} = {family}: must be cpu, gpu or plain"),
    };
}
