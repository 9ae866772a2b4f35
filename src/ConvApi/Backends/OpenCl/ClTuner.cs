using System.Diagnostics;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>
/// Finds the fastest routine and variant (tile sizes) of a problem by running them on the device, within a budget of time; the result is
/// kept per device, driver and family in the user's cache.
/// </summary>
internal static class ClTuner
{
    /// <summary>After this long nothing new is tried: what was measured so far decides.</summary>
    public static TimeSpan Budget { get; } = TimeSpan.FromSeconds(3);

    /// <summary>The plan of the fastest; null where nothing can be measured.</summary>
    public static ClPlan? Best(ClRequest request, IReadOnlyList<ClRoutine> serving)
    {
        string key = $"{request.Device.Family} {request.Options.Math} {request.Options.MaxWorkspaceBytes} {request.Problem.Key}";
        if (request.Device.Tuned.TryGet(key, out string? known) && Make(request, serving, known!) is { } remembered) return remembered;
        long start = Stopwatch.GetTimestamp();
        (string? Choice, double Time) best = (null, double.MaxValue);
        foreach (ClRoutine routine in serving)
            foreach (string variant in routine.Variants(request))
            {
                if (best.Choice is not null && Stopwatch.GetElapsedTime(start) > Budget) break;
                string choice = $"{routine.Name} {variant}";
                using ClPlan? plan = Make(request, serving, choice);
                if (plan is null) continue;
                try
                {
                    double time = Time(plan, best.Time);
                    if (time < best.Time) best = (choice, time);
                }
                catch (DeviceMemoryException)
                {
                    // Its tensors have no room beside it: another variant may need less.
                }
            }

        if (best.Choice is null) return null;
        request.Device.Tuned.Put(key, best.Choice);
        return Make(request, serving, best.Choice);
    }

    // Null where the choice (of an older version, beyond the workspace or the device's memory) cannot be made.
    private static ClPlan? Make(ClRequest request, IReadOnlyList<ClRoutine> serving, string choice)
    {
        int space = choice.IndexOf(' ');
        ClRoutine? routine = serving.FirstOrDefault(r => r.Name == choice[..Math.Max(0, space)]);
        if (routine is null) return null;
        string variant = choice[(space + 1)..];
        if (!routine.Variants(request).Contains(variant)) return null;
        ClPlan plan;
        try
        {
            plan = ClPlan.Make(routine, new ClRequest(request.Problem, request.Device, request.Options with { Tuning = Tuning.Rank }, variant.Length == 0 ? null : variant));
        }
        catch (DeviceMemoryException)
        {
            return null;
        }

        if (plan.WorkspaceBytes <= request.Options.MaxWorkspaceBytes) return plan;
        plan.Dispose();
        return null;
    }

    // The first run compiles for the size of the work-group; a plan that is hopeless is not run again.
    private static double Time(ClPlan plan, double toBeat)
    {
        var trial = new TrialRun(plan);
        trial.Run();
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long t = Stopwatch.GetTimestamp();
            trial.Run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(t).TotalMilliseconds);
        }
        while (best < 3 * toBeat && Stopwatch.GetElapsedTime(start).TotalMilliseconds < 10);
        return best;
    }
}
