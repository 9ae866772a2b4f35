using System.CommandLine;

namespace ConvNative.Cli;

/// <summary>
/// Problem strings given as tokens, knobs (<c>--dir=BWD_D</c>) among them: whatever is not an option of the verb belongs to the
/// problem, and keeps its order.
/// </summary>
public sealed class ProblemArgument : Argument<string[]>
{
    public ProblemArgument(bool required = false)
        : base("PROBLEM")
    {
        Description = "Problem strings as benchdnn writes them, knobs before them, for example: --dir=BWD_D ic16ih28oc32kh3ph1";
        Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore;
    }

    /// <summary>
    /// Moves the verb's own options to the front and puts <c>--</c> before the rest, so that the parser leaves knobs alone.
    /// Other verbs' arguments are returned as they are.
    /// </summary>
    public static string[] Arrange(RootCommand root, string[] args)
    {
        Command? verb = args.Length == 0 ? null : root.Subcommands.FirstOrDefault(c => c.Name == args[0]);
        if (verb is null || !verb.Arguments.Any(a => a is ProblemArgument)) return args;
        List<Option> known = [.. verb.Options, .. root.Options.Where(o => o.Recursive)];
        List<string> options = [], tokens = [];
        for (int i = 1; i < args.Length; i++)
        {
            if (args[i] == "--")
            {
                tokens.AddRange(args[(i + 1)..]);
                break;
            }

            int equals = args[i].IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? args[i] : args[i][..equals];
            Option? option = name.StartsWith('-') || name is "/?" or "/h" ? known.Find(o => o.Name == name || o.Aliases.Contains(name)) : null;
            if (option is null)
            {
                tokens.Add(args[i]);
                continue;
            }

            options.Add(args[i]);
            if (equals < 0 && option.Arity.MinimumNumberOfValues > 0 && i + 1 < args.Length) options.Add(args[++i]);
        }

        return tokens.Count == 0 ? [args[0], .. options] : [args[0], .. options, "--", .. tokens];
    }
}
