using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using ConvNative.Backends;
using ConvNative.Problems;

namespace ConvNative.Cli;

/// <summary>The tool. Verbs are the classes of <c>Commands/</c>; tests call <see cref="Run"/> in-process.</summary>
public static class Program
{
    public static int Main(string[] args) => Run(args, Console.Out, Console.Error);

    /// <summary>Runs one command line and returns its exit code; nothing is written but to the two writers (and files).</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        RootCommand root = Verbs.CreateRoot();
        foreach (HelpOption help in root.Options.OfType<HelpOption>()) help.Action = new HelpWithExamples((HelpAction)help.Action!);
        var parsing = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult parsed = root.Parse(ProblemArgument.Arrange(root, args), parsing);
        if (parsed.Action is null || (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction))
        {
            error.WriteLine(OneLine($"error: {parsed.Errors.FirstOrDefault()?.Message ?? "a verb is required"} (try: convnative {Verb(parsed)}--help)"));
            return ExitCode.Usage;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (CliException e)
        {
            error.WriteLine(OneLine($"error: {e.Message}"));
            return e.Code;
        }
        catch (ProblemSyntaxException e)
        {
            // Its further lines show the text with a caret under the place.
            error.WriteLine($"error: {e.Message}");
            return ExitCode.Usage;
        }
        catch (Exception e) when (e is ConvProblemException or FormatException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(OneLine($"error: {e.Message}"));
            return ExitCode.Usage;
        }
        catch (Exception e) when (e is ConvNativeException or DeviceMemoryException)
        {
            error.WriteLine(OneLine($"error: {e.Message}"));
            return ExitCode.Failed;
        }
        finally
        {
            output.Flush();
        }
    }

    private static string Verb(ParseResult parsed) => parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    private sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            inner.Invoke(parseResult);
            if (parseResult.CommandResult.Command is Verb { Examples.Count: > 0 } verb)
            {
                TextWriter output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (string example in verb.Examples) output.WriteLine("  " + example);
                output.WriteLine();
            }

            return ExitCode.Done;
        }
    }
}
