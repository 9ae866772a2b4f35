using System.Text.RegularExpressions;

namespace ConvNative.Problems.Language;

/// <summary>The knobs' values, which stay until they are set again or reset. A knob with several values multiplies the problems.</summary>
internal sealed class ProblemSettings
{
    private const string KnobList =
        "--dir, --dt, --mb, --bia-dt, --stag, --wtag, --dtag, --attr-post-ops, --batch, --match, --reset, --conv, --deconv, --op, --quant, --pad-mode, --offset-groups, --mask or --output-padding";

    /// <summary>The driver, which --reset leaves alone as benchdnn's command line does.</summary>
    public bool Deconvolution { get; private set; }

    public List<Choice<ConvOp?>> Op { get; private set; } = [];

    public List<Choice<(Direction Direction, bool? Bias)>> Dir { get; private set; } = [];

    public List<Choice<(DataType Input, DataType Weights, DataType Output)>> Types { get; private set; } = [];

    public List<Choice<DataType?>> BiasTypes { get; private set; } = [];

    public List<Choice<ProblemTag>> Stag { get; private set; } = [];

    public List<Choice<ProblemTag>> Wtag { get; private set; } = [];

    public List<Choice<ProblemTag>> Dtag { get; private set; } = [];

    public List<Choice<PostOps>> PostOps { get; private set; } = [];

    public List<Choice<Quantization?>> Quantizations { get; private set; } = [];

    public List<Choice<(PaddingMode Mode, double Value)>> PadMode { get; private set; } = [];

    public List<Choice<bool>> PadLimit { get; private set; } = [];

    public List<Choice<long>> OffsetGroups { get; private set; } = [];

    public List<Choice<bool>> Mask { get; private set; } = [];

    public List<Choice<IReadOnlyList<long>>> OutputPadding { get; private set; } = [];

    public List<Choice<long>> Mb { get; private set; } = [];

    /// <summary>Values of the attributes that this library cannot express, by knob.</summary>
    public SortedDictionary<string, List<Choice<bool>>> Attributes { get; } = new(StringComparer.Ordinal);

    public MatchFilter? Match { get; private set; }

    public ProblemSettings() => Reset();

    public void Reset()
    {
        Op = [default];
        Dir = [new((Direction.Forward, null))];
        Types = [default];
        BiasTypes = [default];
        Stag = [default];
        Wtag = [default];
        Dtag = [default];
        PostOps = [default];
        Quantizations = [default];
        PadMode = [default];
        PadLimit = [default];
        OffsetGroups = [new(1)];
        Mask = [default];
        OutputPadding = [new([])];
        Mb = [default];
        Attributes.Clear();
        Match = null;
    }

    /// <summary>Takes one knob; returns a note when it has no effect on the problem, else null.</summary>
    public string? Set(ProblemToken token)
    {
        string text = token.Text;
        if (text is "--reset")
        {
            Reset();
            return null;
        }

        if (text is "--conv" or "--deconv")
        {
            Deconvolution = text == "--deconv";
            Op = [default];
            return null;
        }

        if (text.StartsWith("-v", StringComparison.Ordinal) && text.AsSpan(2).ContainsAnyExceptInRange('0', '9') is false) return DriverKnobs.Reason("verbose");
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (!text.StartsWith("--", StringComparison.Ordinal) || equals < 0) throw token.Error(0, $"unknown knob '{text}'", KnobList);
        string knob = text[2..equals];
        TokenPart value = token.Part(equals + 1, text.Length - equals - 1).Unquoted();
        switch (knob)
        {
            case "op": Op = List(value, KnobValues.Op, default); break;
            case "dir": Dir = List(value, KnobValues.Dir, new((Direction.Forward, null))); break;
            case "dt": Types = List(value, KnobValues.Types, default); break;
            case "bia-dt": BiasTypes = List(value, KnobValues.BiasType, default); break;
            case "cfg": Types = List(value, KnobValues.Cfg, default); return value.Text.Contains('_', StringComparison.Ordinal) ? "only the types count; filling and algorithm are not part of the problem" : null;
            case "stag": Stag = List(value, KnobValues.ActivationTag, default); break;
            case "dtag": Dtag = List(value, KnobValues.ActivationTag, default); break;
            case "wtag": Wtag = List(value, KnobValues.WeightTag, default); break;
            case "attr-post-ops": PostOps = List(value, PostOpsText.Read, default); break;
            case "attr": PostOps = [OldAttribute(value)]; break;
            case "quant": Quantizations = List(value, QuantizationText.Read, default); break;
            case "pad-mode": PadMode = List(value, KnobValues.PadMode, default); break;
            case "pad-limit": PadLimit = List(value, KnobValues.PadLimit, default); break;
            case "offset-groups": OffsetGroups = List(value, KnobValues.Number, new(1)); break;
            case "mask": Mask = List(value, KnobValues.Bool, default); break;
            case "output-padding": OutputPadding = List(value, KnobValues.PerAxis, new([])); break;
            case "mb": Mb = List(value, KnobValues.Number, default); break;
            case "match": Match = value.Length == 0 ? null : new MatchFilter(token, value); break;
            case "alg": return Algorithm(value);
            default:
                if (!DriverKnobs.Attributes.TryGetValue(knob, out string? harmless)) return DriverKnobs.Reason(knob) ?? throw token.Error(0, $"unknown knob '--{knob}'", KnobList);
                Attributes[knob] = List(value, p => Attribute(p, knob, harmless), default);
                break;
        }

        return null;
    }

    private static List<Choice<T>> List<T>(TokenPart value, Func<TokenPart, Choice<T>> read, Choice<T> fallback) =>
        value.Length == 0 ? [fallback] : [.. value.Split(',').Select(read)];

    private static Choice<bool> Attribute(TokenPart p, string knob, string harmless) =>
        p.Length == 0 || p.Text == harmless ? new(true, p) : new(false, p, p.Error($"--{knob}={p.Text} is not supported", $"no --{knob}"));

    /// <summary><c>--attr=post_ops='relu'</c>, as before oneDNN 2.</summary>
    private static Choice<PostOps> OldAttribute(TokenPart value)
    {
        const string prefix = "post_ops=";
        TokenPart v = value.Text.EndsWith(';') ? value with { Length = value.Length - 1 } : value;
        if (v.Length == 0) return default;
        if (!v.Text.StartsWith(prefix, StringComparison.Ordinal)) return new(default, value, value.Error($"--attr={value.Text} is not supported", "--attr-post-ops=..."));
        return PostOpsText.Read(v.Token.Part(v.Start + prefix.Length, v.Length - prefix.Length).Unquoted());
    }

    private static string? Algorithm(TokenPart value)
    {
        foreach (TokenPart p in value.Split(','))
            if (p.Length > 0 && !Regex.IsMatch(p.Text, "^((de)?convolution_)?(direct|auto|wino)$", RegexOptions.IgnoreCase))
                throw p.Error($"'{p.Text}' is not an algorithm", "direct, auto or wino");
        return "the algorithm is the engine's choice, not part of the problem";
    }
}

/// <summary>Keeps problems whose canonical string has a match, and counts the others.</summary>
internal sealed class MatchFilter
{
    private readonly Regex _regex;

    public MatchFilter(ProblemToken token, TokenPart pattern)
    {
        Token = token;
        try
        {
            _regex = new Regex(pattern.Text, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        }
        catch (ArgumentException e)
        {
            throw pattern.Error(e.Message, "a regular expression");
        }
    }

    public ProblemToken Token { get; }

    public int LeftOut { get; private set; }

    public bool Keeps(string text)
    {
        bool match = _regex.IsMatch(text);
        if (!match) LeftOut++;
        return match;
    }
}
