using System.CommandLine;

namespace ConvNative.Cli;

/// <summary>A verb of the tool: a command whose help ends with examples.</summary>
public sealed class Verb : Command
{
    public Verb(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    /// <summary>Command lines that work as they are.</summary>
    public IReadOnlyList<string> Examples { get; }
}

/// <summary>The list of verbs: one line each, in the order of the help.</summary>
public static class Verbs
{
    /// <summary>Makes the root command afresh (commands are cheap; nothing native loads).</summary>
    public static RootCommand CreateRoot() => new("Convolutions by the best engine on this machine, checked against a naive oracle.")
    {
        Commands.DevicesCommand.Create(),
        Commands.ExplainCommand.Create(),
        Commands.RunCommand.Create(),
        Commands.CheckCommand.Create(),
        Commands.MatrixCommand.Create(),
        Commands.BenchCommand.Create(),
        Commands.TuneCommand.Create(),
        Commands.MergeCommand.Create(),
        Commands.OnnxCommand.Create(),
    };
}
