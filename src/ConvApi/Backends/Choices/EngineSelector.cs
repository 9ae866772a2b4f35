using ConvNative.Backends.Common.Stores;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Choices;

/// <summary>
/// <c>auto</c>: what was measured on this machine; else what was measured for the problem's class on machines with its instruction set; else, where
/// that says too little, what a short look finds. An engine that breaks is passed over as long as another one is left.
/// </summary>
internal static class EngineSelector
{
    // Candidates of one look: making each ready costs more than timing it.
    internal const int MostLooked = 3;

    public static PlanResult Create(ConvProblem problem, PlanOptions options, string backend) => Create(problem, options, backend, Engines.All);

    /// <summary>As the other overload, among these engines.</summary>
    /// <exception cref="ConvNativeException">No engine made a plan, and at least one of them broke: the first failure is inside, every engine's answer in the message.</exception>
    internal static PlanResult Create(ConvProblem problem, PlanOptions options, string backend, IReadOnlyList<ConvBackend> engines)
    {
        if (!Engines.IsAuto(backend))
        {
            ConvBackend engine = Engines.Find(backend, engines)
                ?? throw new ArgumentException($"backend = {backend}: must be auto or one of {string.Join(", ", engines.Select(e => e.Name))}, with a device as in opencl:0 where wanted", nameof(backend));
            return engine.CreatePlan(problem, options);
        }

        var attempt = new Attempts(problem, options, engines);

        // Too small for a native call to pay, and for a measurement to be worth its while.
        if (ProblemClass.IsTiny(problem) && options.Tuning != Tuning.Measure) return attempt.First(Order(problem, ChoiceTable.Shipped.Of(problem, options).Choices, engines));
        string key = Key(problem, options);
        Tuned? known = options.Deterministic ? null : TuningStore.Auto.Find(key);
        if (known is not null && Serves(known, key, options) && attempt.Try(EngineChoice.Parse(known.Choice)) is { } remembered) return PlanResult.Supported(remembered);
        RankedClass ranked = ChoiceTable.Shipped.Of(problem, options);
        List<EngineChoice> order = Order(problem, ranked.Choices, engines);
        if (options.Tuning == Tuning.Measure) return attempt.Fastest(MeasuredOnes(engines), order, key, ContestBudget.Measure, int.MaxValue);
        bool looks = options is { Tuning: Tuning.Look, Deterministic: false } && !ranked.IsCertain;
        if (!looks) return attempt.First(order);
        IReadOnlyList<EngineChoice> worth = ranked.WorthALook;
        return attempt.Fastest([.. (worth.Count > 0 ? worth : order).Where(c => engines.Any(e => e.Name == c.Engine && e.IsHost))], order, key, ContestBudget.Look, MostLooked);
    }

    /// <summary>True where the cached plan is not what the choice would be now: a measurement has decided otherwise since it was made.</summary>
    internal static bool IsOvertaken(ConvPlan plan, PlanOptions options) =>
        plan.Choice is { } chosen && !options.Deterministic && TuningStore.Auto.Find(Key(plan.Problem, options)) is { } known && known.Choice != chosen;

    /// <summary>Ways to compute the problem, the best first by what ships for its class; then engines of the host's memory, then devices.</summary>
    private static List<EngineChoice> Order(ConvProblem problem, IReadOnlyList<RankedChoice> ranked, IReadOnlyList<ConvBackend> engines)
    {
        var order = new List<EngineChoice>();
        foreach (RankedChoice r in ranked)
            if (engines.Any(e => e.Name == r.Choice.Engine)) order.Add(r.Choice);
        if (order.Count == 0 && IsNative(problem) && engines.Any(e => e.Name == OneDnn.OneDnnBackend.BackendName)) order.Add(new EngineChoice(OneDnn.OneDnnBackend.BackendName));
        foreach (ConvBackend e in engines.OrderBy(e => e.Name == Managed.ManagedBackend.EngineName ? 0 : 1))
            if (!order.Exists(c => c.Engine == e.Name && c.Candidate is null)) order.Add(new EngineChoice(e.Name));
        return order;
    }

    /// <summary>The problem and every option that changes what engines may do.</summary>
    internal static string Key(ConvProblem problem, PlanOptions options) => $"{problem.Key} {options.ChoiceKey}";

    // bf16 and 8-bit numbers have instructions of their own, which oneDNN has kernels for and C# does not.
    private static bool IsNative(ConvProblem p) => p.InputType is DataType.BF16 or DataType.F16 or DataType.S8 or DataType.U8;

    private static bool Serves(Tuned known, string key, PlanOptions options) => options.Tuning switch
    {
        Tuning.Rank => true,
        Tuning.Look => TuningStore.Auto.IsGood(key, known),
        _ => !known.Looked && TuningStore.Auto.IsGood(key, known),
    };

    // A device of its own copies there and back, and PoCL compiles for seconds: only a GPU may pay for that.
    private static List<EngineChoice> MeasuredOnes(IReadOnlyList<ConvBackend> engines) =>
        [.. engines.Where(e => e.IsHost || e.HasAccelerator).Select(e => new EngineChoice(e.Name))];

    /// <summary>The engines' answers to one problem.</summary>
    private sealed class Attempts(ConvProblem problem, PlanOptions options, IReadOnlyList<ConvBackend> engines)
    {
        private readonly List<string> _reasons = [];
        private ConvNativeException? _broken;

        /// <summary>The first of the order that makes a plan.</summary>
        public PlanResult First(IReadOnlyList<EngineChoice> order)
        {
            foreach (EngineChoice c in order)
                if (Try(c) is { } plan) return PlanResult.Supported(plan);
            if (_broken is not null) throw new ConvNativeException(ConvPlan.Auto, string.Join("; ", _reasons), problem: problem, inner: _broken);
            return PlanResult.Unsupported(string.Join("; ", _reasons));
        }

        /// <summary>The fastest of at most <paramref name="most"/> of the contestants; the first of the order where none of them makes a plan.</summary>
        public PlanResult Fastest(List<EngineChoice> contestants, List<EngineChoice> order, string key, ContestBudget budget, int most)
        {
            var plans = new List<ConvPlan>();
            ConvPlan? winner = null;
            try
            {
                foreach (EngineChoice c in contestants)
                    if (plans.Count < most && Try(c) is { } plan) plans.Add(plan);
                if (plans.Count == 0) return First([.. order.Where(c => !contestants.Contains(c))]);
                if (plans.Count == 1 || Contest.Time(plans, budget) is not { } result) return PlanResult.Supported(winner = plans[0]);
                winner = plans[result.Winner];
                TuningStore.Auto.Put(key, new Tuned(winner.Choice!, result.Margin, result.Spread, Looked: budget == ContestBudget.Look));
                foreach (ConvPlan p in plans) p.ForgetWeights();
                return PlanResult.Supported(winner);
            }
            finally
            {
                foreach (ConvPlan p in plans)
                    if (p != winner) p.Dispose();
            }
        }

        /// <summary>A plan, or null with the reason noted; a failure is one, too.</summary>
        public ConvPlan? Try(EngineChoice choice)
        {
            ConvBackend? engine = Engines.Find(choice.Engine, engines);
            if (engine is null) return null;
            if (!engine.Status.Available)
            {
                Note(choice.Engine, $"unavailable: {engine.Status.Summary}");
                return null;
            }

            try
            {
                PlanResult r = engine.CreatePlan(problem, choice.Candidate is null ? options : options with { Candidate = choice.Candidate });
                if (r.Plan is { } plan)
                {
                    plan.Choice = choice.ToString();
                    return plan;
                }

                Note(choice.Engine, r.Reason!);
            }
            catch (DeviceMemoryException e)
            {
                Note(choice.Engine, e.Message);
            }
            catch (ConvNativeException e)
            {
                _broken ??= e;
                Note(choice.Engine, $"broke: {e.Message}");
            }

            return null;
        }

        private void Note(string engine, string reason)
        {
            string line = $"{engine}: {reason}";
            if (!_reasons.Contains(line)) _reasons.Add(line);
        }
    }
}
