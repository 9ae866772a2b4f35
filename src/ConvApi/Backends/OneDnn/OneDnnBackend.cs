using System.Collections.Concurrent;
using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Choice;
using ConvNative.Backends.OneDnn.Fallbacks;
using ConvNative.Backends.OneDnn.Integers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Backends.OneDnn.Rewrites;
using ConvNative.Bindings;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>oneDNN 3 on the CPU.</summary>
public sealed class OneDnnBackend : ConvBackend
{
    internal const string BackendName = "onednn";
    private const int MostReasons = 4096;
    private const long MostStep = 1 << 24;
    private readonly ConcurrentDictionary<(ConvProblem, PlanOptions), string> _unsupported = new();

    /// <inheritdoc/>
    public override string Name => BackendName;

    /// <inheritdoc/>
    public override BackendStatus Status
    {
        get
        {
            NativeLoadReport r = OneDnnRuntime.Report;
            string[] details = [.. r.Candidates.Select(c => c.ToString())];
            return r.IsLoaded
                ? new BackendStatus(true, $"oneDNN {r.Version} ({OneDnnLibrary.CpuRuntime}), {r.LoadedPath}", details, null)
                : new BackendStatus(false, r.Summary, details, r.Remedy);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices
    {
        get
        {
            if (!OneDnnRuntime.Report.IsLoaded) return [];
            return [new DeviceInfo("cpu", "CPU", new Dictionary<string, string>
            {
                ["isa"] = InstructionSet(),
                ["threads"] = DefaultThreads.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["runtime"] = OneDnnLibrary.CpuRuntime ?? "",
            })];
        }
    }

    // Not inlined: an import may be bound when its caller is compiled, which must be after the load.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    internal static string InstructionSet() => Dnnl.dnnl_get_effective_cpu_isa().ToString().Replace("dnnl_cpu_isa_", "", StringComparison.Ordinal);

    private static int DefaultThreads => OpenMp.IsAvailable ? ConvThreads.Max : 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Candidates(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
        if (OneDnnOwn.Serves(problem) || Unsupported(problem) is not null) return [];
        int threads = options.MaxThreads > 0 ? options.MaxThreads : DefaultThreads;
        (_, _, ConvProblem inner) = OneDnnSteps.For(problem);
        return [.. OneDnnTuner.Ranked(inner, threads, options).Select(c => c.NameFor(threads))];
    }

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
        if (Unsupported(problem) is { } reason) return PlanResult.Unsupported(reason);
        if (options.Candidate is { } candidate && !Candidates(problem, options).Contains(candidate)) return PlanResult.Unsupported(PlanOptions.NoSuch(candidate, Name));
        if (_unsupported.TryGetValue((problem, options), out string? known)) return PlanResult.Unsupported(known);
        if (problem.InputShape.Product == 0 || OneDnnFaults.IsZero(problem)) return PlanResult.Supported(new EmptyPlan(problem, BackendName));
        if (!OneDnnRuntime.Report.IsLoaded) _ = OneDnnRuntime.Engine;
        int before = OpenMp.GetMaxThreads();
        using var budget = new MemoryBudget(MemoryBudget.Of(problem));
        try
        {
            _ = OneDnnRuntime.Engine;
            int threads = options.MaxThreads > 0 ? ConvThreads.Of(options.MaxThreads) : DefaultThreads;
            if (OneDnnOwn.Serves(problem)) return OneDnnOwn.Create(problem, options, threads);
            if (TryPlan(problem, options, threads) is { } plan) return PlanResult.Supported(plan);
            if (budget.Refusal is { } refusal) return PlanResult.Unsupported($"oneDNN {OneDnnRuntime.Report.Version}: {refusal}");
            string none = $"oneDNN {OneDnnRuntime.Report.Version} has no {Names.Of(problem.Direction)} implementation for {Types(problem)} on this processor";
            if (options.MaxWorkspaceBytes != long.MaxValue) none += $", or none within {options.MaxWorkspaceBytes} bytes of workspace";
            if (_unsupported.Count < MostReasons) _unsupported[(problem, options)] = none;
            return PlanResult.Unsupported(none);
        }
        catch (NativeCallException e)
        {
            throw new ConvNativeException(BackendName, e.Message, e.Function, e.StatusName, problem, e);
        }
        catch (Exception e) when (e is MemoryBudgetException or OverflowException or ConvProblemException or OutOfMemoryException)
        {
            budget.GiveBack();
            return PlanResult.Unsupported(e is MemoryBudgetException ? $"oneDNN's engine {e.Message}" : $"oneDNN's engine cannot count with these sizes: {e.Message}");
        }
        finally
        {
            OpenMp.SetNumThreads(before);
        }
    }

    internal override void Forget() => OneDnnRuntime.ForgetPrimitives();

    private static ConvPlan? TryPlan(ConvProblem problem, PlanOptions options, int threads)
    {
        if (problem.InputType.IsInteger() && !OneDnnIntegers.IsDirect(problem, options.Math)) return TryIntegers(problem, options, threads);
        (InputExtension? extension, string purpose, ConvProblem inner) = OneDnnSteps.For(problem);
        if (Choose(problem, extension, inner, threads, options) is { } choice) return Own(problem, extension, purpose, choice);
        return problem.InputType.IsInteger() && (!IsSums(problem) || TakesOffZeroPoint(problem)) ? TryIntegers(problem, options, threads) : null;
    }

    /// <summary>A kernel that leaves room for the copy of the input.</summary>
    private static (OneDnnKernel Kernel, string Why)? Choose(ConvProblem problem, InputExtension? extension, ConvProblem inner, int threads, PlanOptions options)
    {
        (OneDnnKernel, string)? choice;
        string? refusal;
        using (var budget = new MemoryBudget(MemoryBudget.Of(problem) - (extension?.Bytes ?? 0)))
        {
            choice = OneDnnTuner.Choose(inner, threads, options);
            refusal = budget.Refusal;
        }

        if (refusal is not null) MemoryBudget.Refuse(refusal);
        return choice;
    }

    private static OneDnnPlan Own(ConvProblem problem, InputExtension? extension, string purpose, (OneDnnKernel Kernel, string Why) choice)
    {
        try
        {
            return new OneDnnPlan(problem, extension, purpose, choice.Kernel, choice.Why);
        }
        catch
        {
            choice.Kernel.Dispose();
            throw;
        }
    }

    /// <summary>Sums by oneDNN, the rest by us; where it does not take the input's zero point, that too.</summary>
    private static OneDnnIntegerPlan? TryIntegers(ConvProblem p, PlanOptions options, int threads)
    {
        bool zeroPoint = p.Op != ConvOp.Transposed && !IsSums(p);
        ConvPlan? sums = TryPlan(OneDnnIntegers.Sums(p, zeroPoint), options, threads);
        if (sums is null && zeroPoint && TakesOffZeroPoint(p)) sums = TryPlan(OneDnnIntegers.Sums(p, zeroPoint = false), options, threads);
        if (sums is null) return null;
        Quantization q = p.Quantization ?? Quantization.None;
        bool shifted = p.WeightType == DataType.U8, window = q.WeightZeroPoints.Any(z => z != (shifted ? 128 : 0));
        ConvPlan? ones = window ? TryPlan(OneDnnIntegers.Sums(p, zeroPoint, window: true), options, threads) : null;
        try
        {
            if (!window || ones is not null) return new OneDnnIntegerPlan(p, sums, ones);
        }
        catch
        {
            ones?.Dispose();
            sums.Dispose();
            throw;
        }

        sums.Dispose();
        return null;
    }

    /// <summary>Nothing is left to take off but the input's zero point.</summary>
    private static bool IsSums(ConvProblem p) => OneDnnIntegers.Sums(p, zeroPoint: true).Equals(p);

    /// <summary>The input's zero point can be ours to take off; a constant outside the input would be taken off with it.</summary>
    private static bool TakesOffZeroPoint(ConvProblem p) => p.Quantization is { InputZeroPoint: not 0 } && p.Op != ConvOp.Transposed && p.PaddingMode != PaddingMode.Constant;

    private static string Types(ConvProblem p) => $"{p.InputType.Name()}:{p.WeightType.Name()}:{p.OutputType.Name()}";

    /// <summary>Numbers that oneDNN's kernels would multiply to more than the 32 bits that they have for a distance.</summary>
    private static string? Beyond(ConvProblem p)
    {
        long inner = Math.Max(p.InputChannels, p.OutputChannels) * p.InputType.SizeOf();
        for (int i = p.Rank - 1; i >= 0; i--)
        {
            long extent = ConvGeometry.Extent(p.Kernel[i], p.Dilations[i]), most = Math.Max(Math.Max(extent, p.Strides[i]), Math.Max(p.Dilations[i], p.PadsBegin[i]));
            if (most >= MostStep) return $"a stride, dilation, pad or extent of {most} on spatial axis {i}: oneDNN's engine takes less than {MostStep}";
            if ((Int128)extent * inner > int.MaxValue) return $"a kernel that spans {(Int128)extent * inner} bytes along spatial axis {i}: oneDNN's engine takes at most {int.MaxValue}";
            inner = (long)Int128.Min((Int128)inner * Math.Max(p.InputShape[i + 2], p.OutputShape[i + 2]), long.MaxValue / 2);
        }

        return null;
    }

    private static string? Unsupported(ConvProblem p)
    {
        if (OneDnnOwn.Serves(p)) return OneDnnOwn.Lacking(p);
        if (p.InputType == DataType.F64) return "data_type f64: oneDNN has no f64 on the CPU";
        return Beyond(p) ?? (p.InputType.IsInteger() ? OneDnnIntegers.Lacking(p) : null);
    }
}
