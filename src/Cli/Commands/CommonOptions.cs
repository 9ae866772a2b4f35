using System.CommandLine;
using ConvNative.Plans;

namespace ConvNative.Cli.Commands;

/// <summary>Options that several verbs share.</summary>
internal static class CommonOptions
{
    public static Option<string[]> Backend() => new("--backend")
    {
        Description = "Engines, comma-separated (default: all). One that is named and missing makes the exit code 3.",
        HelpName = "NAME,...",
    };

    public static Option<string[]> Suite(string @default) => new("--suite")
    {
        Description = $"Suites, comma-separated: shipped names, or paths of files in benchdnn's language (default: {@default}).",
        HelpName = "NAME,...",
    };

    public static Option<bool> Json() => new("--json") { Description = "Print the report as JSON on standard output." };

    public static Option<string> Output(string @default) => new("--output")
    {
        Description = "Folder for the report's files.",
        HelpName = "DIR",
        DefaultValueFactory = _ => @default,
    };

    /// <summary>Read it with <see cref="MathOf"/>.</summary>
    public static Option<string> Math() => new("--math")
    {
        Description = "strict: f32 products and sums; fast: also Winograd and TF32, each judged by its own bound.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "strict",
    };

    public static MathMode MathOf(string? text) => text switch
    {
        "strict" => MathMode.Strict,
        "fast" => MathMode.Fast,
        _ => throw new CliException($"--math = {text}: must be strict or fast"),
    };

    public static Option<bool> Tune() => new("--tune") { Description = "Let engines choose among their kernels by measurement, as benchmarks do." };
}
