using Spectre.Console;

namespace ConvNative.Cli;

/// <summary>Decides between rich output on a terminal and plain lines in a pipe.</summary>
public static class Terminal
{
    /// <summary>True when <paramref name="writer"/> is this process's terminal, so that colour, tables and progress make sense.</summary>
    public static bool IsInteractive(TextWriter writer) =>
        (ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected) || (ReferenceEquals(writer, Console.Error) && !Console.IsErrorRedirected);

    /// <summary>A console on <paramref name="writer"/>: with colours on a terminal, plain in a pipe.</summary>
    public static IAnsiConsole On(TextWriter writer)
    {
        bool rich = IsInteractive(writer);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = rich ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = rich ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = rich ? InteractionSupport.Detect : InteractionSupport.No,
        });

        // Lines in a pipe must not be broken at a guessed width.
        if (!rich) console.Profile.Width = 100_000;
        return console;
    }
}
