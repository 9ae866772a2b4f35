using System.Diagnostics;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Choice;

/// <summary>
/// Finds the fastest routine and variant (tile sizes, parts) of a problem by running them on the device, within a budget of time; the result
/// is kept per device, driver and family in the user's cache. Every routine is tried where it begins, then the neighbours of the best, as long as one
/// of them is better.
/// </summary>
internal static class ClTuner
{
    /// <summary>Part of a store's name: kernels that changed so much that what was measured before means nothing count this up.</summary>
    public const int Generation = 1;

    // Less than this is noise; what is known keeps its place.
    private const double WorthIt = 0.97;

    // Runs of the two that are compared alternate this many times, each for this long.
    private const int Rounds = 5;
    private const double RoundMilliseconds = 2;

    // Multiply-adds that a plain routine does in a few milliseconds.
    private const long MostForPlain = 2_000_000;

    /// <summary>After this long nothing new is tried: what was measured so far decides.</summary>
    public static TimeSpan Budget { get; } = TimeSpan.FromSeconds(3);

    /// <summary>The plan of what was measured before, here or on a machine like this; null where nothing was, or it cannot be made.</summary>
    public static ClPlan? Known(ClRequest request, IReadOnlyList<ClRoutine> serving) =>
        request.Device.Tuned.TryGet(Key(request), out string? known) ? Make(request, serving, known!) : null;

    /// <summary>The plan of the fastest; null where nothing can be measured.</summary>
    public static ClPlan? Best(ClRequest request, IReadOnlyList<ClRoutine> serving)
    {
        var search = new Search(request, serving);
        try
        {
            search.Run();
            if (search.Choice is null) return null;

            // A choice among what a workspace limit left is no choice for others.
            if (request.Options.MaxWorkspaceBytes == long.MaxValue) request.Device.Tuned.Put(Key(request), search.Choice);
        }
        finally
        {
            search.Dispose();
        }

        return Make(request, serving, search.Choice);
    }

    /// <summary>What a result is kept under. What follows a sum changes little of how the sum is best made.</summary>
    internal static string Key(ClRequest request)
    {
        ConvProblem p = request.Problem;
        return $"{request.Device.Family} {(p.InputType.IsInteger() ? p : p.With(s => s with { HasBias = false, PostOps = PostOps.None })).Key}";
    }

    // Null where the choice (of an older version, beyond the workspace or the device's memory) cannot be made.
    private static ClPlan? Make(ClRequest request, IReadOnlyList<ClRoutine> serving, string choice)
    {
        int space = choice.IndexOf(' ');
        ClRoutine? routine = serving.FirstOrDefault(r => r.Name == choice[..Math.Max(0, space)]);
        if (routine is null) return null;
        string variant = choice[(space + 1)..];
        ClPlan plan;
        try
        {
            if (!routine.Has(request, variant)) return null;
            plan = ClPlan.Make(routine, new ClRequest(request.Problem, request.Device, request.Options with { Tuning = Tuning.Rank }, variant.Length == 0 ? null : variant));
        }
        catch (Exception e) when (e is DeviceMemoryException or MemoryBudgetException or OverflowException)
        {
            return null;
        }

        if (plan.WorkspaceBytes <= request.Options.MaxWorkspaceBytes) return plan;
        plan.Dispose();
        return null;
    }

    /// <summary>The search for one problem; holds the plan of the best so far, to run others beside it.</summary>
    private sealed class Search(ClRequest request, IReadOnlyList<ClRoutine> serving) : IDisposable
    {
        private readonly HashSet<string> _tried = [];
        private readonly long _start = Stopwatch.GetTimestamp();
        private ClPlan? _plan;
        private TrialRun? _trial;
        private ClRoutine? _routine;
        private string _variant = "";

        public string? Choice => _routine is null ? null : $"{_routine.Name} {_variant}";

        private bool IsOver => _routine is not null && Stopwatch.GetElapsedTime(_start) > Budget;

        public void Run()
        {
            bool large = request.Problem.MultiplyAdds > MostForPlain;
            foreach (ClRoutine routine in serving)
                foreach (string variant in routine.Variants(request))
                    if (!(_routine is not null && large && routine.IsPlain)) Try(routine, variant);
            while (_routine is { } routine && routine.Near(request, _variant).Any(v => Try(routine, v)) && !IsOver)
            {
                // From the new best on.
            }
        }

        public void Dispose() => _plan?.Dispose();

        /// <summary>True where it is the best now.</summary>
        private bool Try(ClRoutine routine, string variant)
        {
            string choice = $"{routine.Name} {variant}";
            if (IsOver || !_tried.Add(choice)) return false;
            ClPlan? plan = Make(request, serving, choice);
            if (plan is null) return false;
            bool better = false;
            try
            {
                var trial = new TrialRun(plan);

                // The first run compiles for the size of the work-group.
                trial.Run();
                better = _trial is null || IsFaster(trial, _trial);
                if (better) (_plan, plan, _trial, _routine, _variant) = (plan, _plan, trial, routine, variant);
            }
            catch (DeviceMemoryException)
            {
                // Its tensors have no room beside it: another variant may need less.
            }
            finally
            {
                plan?.Dispose();
            }

            return better;
        }

        // In turns, so that what disturbs the machine does not fall on one of them; what is hopeless is not run again.
        private static bool IsFaster(TrialRun trial, TrialRun best)
        {
            double time = double.MaxValue, toBeat = double.MaxValue;
            for (int round = 0; round < Rounds; round++)
            {
                toBeat = Math.Min(toBeat, best.Turn(RoundMilliseconds));
                time = Math.Min(time, trial.Turn(RoundMilliseconds));
                if (time > 1.5 * toBeat) return false;
            }

            return time < WorthIt * toBeat;
        }
    }
}
