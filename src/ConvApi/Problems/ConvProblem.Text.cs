using System.Diagnostics.CodeAnalysis;
using ConvNative.Problems.Language;

namespace ConvNative.Problems;

/// <content>Problem strings: see <see cref="ProblemFile"/> for the language.</content>
public sealed partial class ConvProblem
{
    private string? _text;
    private string? _key;

    /// <summary>
    /// Reads one problem: knobs and one descriptor, such as <c>--dir=BWD_D --stag=axb g32mb1ic128ih28oc128kh3ph1n"name"</c>.
    /// Dilation 0 is dense here, the batch is 2 and a bias is added (FWD_B) unless said otherwise, as in benchdnn.
    /// </summary>
    /// <exception cref="ProblemSyntaxException">The text is malformed, or makes no or several problems.</exception>
    /// <exception cref="ConvProblemException">The text is well formed and its geometry breaks a rule.</exception>
    public static ConvProblem Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return ProblemReader.One(new ProblemSource(null, text));
    }

    /// <summary>As <see cref="Parse"/>, with the error as text.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ConvProblem? problem, [NotNullWhen(false)] out string? error)
    {
        try
        {
            problem = Parse(text ?? "");
            error = null;
            return true;
        }
        catch (Exception e) when (e is ProblemSyntaxException or ConvProblemException)
        {
            problem = null;
            error = e.Message;
            return false;
        }
    }

    /// <summary>The canonical problem string: what <see cref="Parse"/> reads as an equal problem with the same name.</summary>
    public override string ToString() => _text ??= ProblemWriter.Write(this);

    /// <summary>The canonical problem string without the name: equal problems have equal keys. For stores and reports.</summary>
    public string Key => _key ??= Name is null ? ToString() : With(s => s with { Name = null }).ToString();
}
