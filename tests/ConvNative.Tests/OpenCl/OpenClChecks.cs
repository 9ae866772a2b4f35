using ConvNative.Backends.OpenCl;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Problems against the oracle on the engine's first device.</summary>
internal static class OpenClChecks
{
    /// <summary>Every floating-point problem of the suite <c>variants</c> that <paramref name="filter"/> takes: supported and right.</summary>
    /// <param name="filter">Which problems.</param>
    /// <param name="least">Fewer problems than this mean that the suite no longer has what the test is for.</param>
    public static void Suite(Func<ConvProblem, bool> filter, int least) =>
        AllOf([.. SuiteCatalog.Load("variants").Problems.Where(p => !p.InputType.IsInteger() && filter(p))], least);

    /// <summary>As <see cref="All"/>, of at least so many problems.</summary>
    public static void AllOf(IReadOnlyList<ConvProblem> problems, int least)
    {
        Assert.IsGreaterThanOrEqualTo(least, problems.Count);
        All(problems);
    }

    /// <summary>Every one of <paramref name="problems"/> is supported (f64 only where the device has it) and right.</summary>
    public static void All(IReadOnlyList<ConvProblem> problems)
    {
        OpenClBackend engine = OpenClDevices.Engine();
        bool f64 = engine.Open(null).Properties.HasF64;
        var checker = new Checker();
        var wrong = new List<string>();
        foreach (ConvProblem p in problems.Where(p => f64 || p.InputType != DataType.F64))
        {
            CellResult cell = checker.Check(p, [engine]).Single();
            if (cell.Status != CellStatus.Pass) wrong.Add($"{p}: {cell.Status} {cell.Implementation} {cell.Message}");
        }

        Assert.IsEmpty(wrong, $"{wrong.Count} of {problems.Count}:\n{string.Join('\n', wrong.Take(20))}");
    }
}
