using ConvNative.Bindings.CuDnn;
using ConvNative.Plans;
using ConvNative.Problems;
using static ConvNative.Bindings.CuDnn.cudnnBackendNumericalNote_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>What cuDNN says of an engine.</summary>
/// <param name="Index">Its number within the graph.</param>
/// <param name="Numerical">How it computes.</param>
/// <param name="Behavior">What it needs.</param>
internal sealed record EngineNotes(long Index, IReadOnlyList<cudnnBackendNumericalNote_t> Numerical, IReadOnlyList<cudnnBackendBehaviorNote_t> Behavior)
{
    public bool Has(cudnnBackendNumericalNote_t note) => Numerical.Contains(note);

    public bool IsWinograd => Numerical.Any(n => n is >= CUDNN_NUMERICAL_NOTE_WINOGRAD and <= CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13);

    public AlgorithmClass Algorithm => Has(CUDNN_NUMERICAL_NOTE_FFT) ? AlgorithmClass.Fft : IsWinograd ? AlgorithmClass.Winograd : AlgorithmClass.Direct;

    /// <summary>For example <c>eng28:tensor_core,winograd</c>.</summary>
    public override string ToString() =>
        $"eng{Index}{(Numerical.Count == 0 ? "" : ":" + string.Join(',', Numerical.Select(n => n.ToString().Replace("CUDNN_NUMERICAL_NOTE_", "", StringComparison.Ordinal).ToLowerInvariant())))}";
}

/// <summary>Which engines a plan may use. cuDNN's graph API has no switch for precision and determinism: the engines' notes are the switch.</summary>
internal sealed record EngineFilter(bool IsStrict, bool IsDeterministic, bool IsSingle, long MostWorkspace)
{
    /// <param name="options">What the caller permits.</param>
    /// <param name="type">Type of the operands: only f32 has something narrower below it.</param>
    /// <param name="workspace">Bytes left for the engine.</param>
    public static EngineFilter Of(PlanOptions options, DataType type, long workspace) =>
        new(options.Math == MathMode.Strict, options.Deterministic, type == DataType.F32, workspace);

    /// <summary>Why the engine is not taken, or null.</summary>
    public string? Refuses(EngineNotes engine)
    {
        if (IsDeterministic && engine.Has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return "not deterministic";
        if (engine.Behavior.Any(b => b is cudnnBackendBehaviorNote_t.CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER or cudnnBackendBehaviorNote_t.CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER))
            return "wants reordered weights";
        if (!IsStrict) return null;

        // Sources disagree which of the two a TF32 engine carries: neither is taken.
        if (IsSingle && engine.Has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE)) return "tensor cores (TF32) on f32";
        if (engine.Has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) return "narrows its inputs";
        if (engine.Has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return "sums in less than f32";
        return engine.IsWinograd ? "Winograd" : engine.Has(CUDNN_NUMERICAL_NOTE_FFT) ? "FFT" : null;
    }

    /// <summary>Why the workspace is too large, or null.</summary>
    public string? RefusesWorkspace(long bytes) => bytes > MostWorkspace ? $"needs {bytes} bytes of workspace, {MostWorkspace} are allowed" : null;
}
