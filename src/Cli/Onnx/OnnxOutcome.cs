using System.Globalization;
using System.Text.Json;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>How a test ended on a backend.</summary>
public enum OnnxStatus
{
    /// <summary>The output is as expected.</summary>
    Pass,

    /// <summary>It is not.</summary>
    Fail,

    /// <summary>The backend, or this tool, does not do it; the message is the reason.</summary>
    Unsupported,

    /// <summary>The test cannot be read or understood, or the run broke.</summary>
    Error,
}

/// <summary>What came of one test (one data set of one model) on one backend.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Name">The test's folder below the folder asked for; with the data set where there are several.</param>
/// <param name="Operator">The node's operator; empty when the model cannot be read.</param>
/// <param name="Backend">The backend that ran, or that was asked.</param>
/// <param name="Implementation">What it chose; empty without a result.</param>
/// <param name="Message">The largest error, or why not.</param>
/// <param name="Comparison">The comparison, where there was one.</param>
public sealed record OnnxOutcome(OnnxStatus Status, string Name, string Operator, string Backend, string Implementation, string Message, OutputComparison? Comparison = null)
{
    /// <summary>The line of a report: status, name, backend, implementation (<c>-</c> without one), message.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Names.Of(Status)} {Name} {Backend} {(Implementation.Length == 0 ? "-" : Implementation)} {Message.ReplaceLineEndings(" ")}");

    /// <summary>The same as members of a JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteString("status", Names.Of(Status));
        json.WriteString("name", Name);
        json.WriteString("operator", Operator);
        json.WriteString("backend", Backend);
        json.WriteString("implementation", Implementation);
        json.WriteString("message", Message);
        Number("largest_error", Comparison?.LargestError);
        Number("share_of_tolerance", Comparison?.ShareOfTolerance);

        void Number(string name, double? value)
        {
            if (value is { } v && double.IsFinite(v)) json.WriteNumber(name, v);
            else json.WriteNull(name);
        }
    }
}
