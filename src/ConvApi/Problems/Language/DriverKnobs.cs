namespace ConvNative.Problems.Language;

/// <summary>benchdnn's knobs that steer its test driver and leave the problem as it is. They are accepted with a note.</summary>
internal static class DriverKnobs
{
    private const string Driver = "steers benchdnn's driver; the problem is the same without it";
    private const string Engine = "the engine is chosen by --backend, not by the problem";
    private const string Math = "a permission; problems are computed strictly unless the caller asks for other math";

    /// <summary>Knobs of attributes that change the result; anything but an empty value (or the given one) is unsupported.</summary>
    public static readonly IReadOnlyDictionary<string, string> Attributes = new Dictionary<string, string>
    {
        ["attr-scales"] = "",
        ["attr-oscale"] = "",
        ["attr-zero-points"] = "",
        ["attr-dropout"] = "",
        ["attr-rounding-mode"] = "environment",
        ["attr-precomputed-reductions"] = "",
        ["strides"] = "",
    };

    private static readonly Dictionary<string, string> Accepted = new()
    {
        ["allow-enum-tags-only"] = Driver,
        ["allow-unimpl"] = Driver,
        ["attr-same-pd-check"] = Driver,
        ["canonical"] = Driver,
        ["check-ref-impl"] = Driver,
        ["cold-cache"] = Driver,
        ["ctx-exe"] = Driver,
        ["ctx-init"] = Driver,
        ["execution-mode"] = Driver,
        ["fast-ref"] = Driver,
        ["fast-ref-gpu"] = Driver,
        ["fix-times-per-prb"] = Driver,
        ["max-ms-per-prb"] = Driver,
        ["mem-check"] = Driver,
        ["mode"] = Driver,
        ["mode-modifier"] = Driver,
        ["num-streams"] = Driver,
        ["perf-template"] = Driver,
        ["repeats-per-prb"] = Driver,
        ["stream-kind"] = Driver,
        ["summary"] = Driver,
        ["verbose"] = Driver,
        ["attr-scratchpad"] = Engine,
        ["cpu-isa-hints"] = Engine,
        ["engine"] = Engine,
        ["global-impl"] = Engine,
        ["global-skip-impl"] = Engine,
        ["impl"] = Engine,
        ["memory-kind"] = Engine,
        ["skip-impl"] = Engine,
        ["attr-acc-mode"] = Math,
        ["attr-deterministic"] = Math,
        ["attr-fpmath"] = Math,
    };

    /// <summary>Why the knob has no effect, or null when it is not one of these.</summary>
    public static string? Reason(string knob) => Accepted.GetValueOrDefault(knob);
}
