using System.Globalization;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks.Peers;

/// <summary>A request line of the peers' protocol: <c>run kind=conv dir=F nd=2 g=1 mb=1 ic=3 ... budget=40</c>.</summary>
public sealed class PeerRequest
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    private PeerRequest(string line)
    {
        var key = new System.Text.StringBuilder();
        foreach (string word in line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            int at = word.IndexOf('=', StringComparison.Ordinal);
            if (at < 0) continue;
            _fields[word[..at]] = word[(at + 1)..];
            if (!word.StartsWith("budget=", StringComparison.Ordinal)) key.Append(word).Append(' ');
        }

        Key = key.ToString();
    }

    /// <summary>Everything but the budget: equal keys keep their plan.</summary>
    public string Key { get; }

    /// <summary>Milliseconds to spend.</summary>
    /// <exception cref="FormatException">Missing or not a number.</exception>
    public double Budget => double.TryParse(Text("budget"), NumberStyles.Float, CultureInfo.InvariantCulture, out double b)
        ? b
        : throw new FormatException($"budget = {Text("budget")}: must be a number of milliseconds");

    /// <summary>Reads a line; words without = are ignored, as the peers do.</summary>
    public static PeerRequest Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return new PeerRequest(line);
    }

    /// <summary>The problem, in one layout for input and output.</summary>
    /// <exception cref="FormatException">A field is missing or not known.</exception>
    /// <exception cref="ConvProblemException">The fields describe no valid problem.</exception>
    public ConvProblem ToProblem(Layout layout)
    {
        ConvOp op = Text("kind") switch
        {
            "conv" => ConvOp.Correlation,
            "deconv" => ConvOp.Transposed,
            "deform1" or "deform2" => ConvOp.Deformable,
            var kind => throw new FormatException($"kind = {kind}: must be conv, deconv, deform1 or deform2"),
        };
        bool transposed = op == ConvOp.Transposed;
        Direction direction = Text("dir") switch
        {
            "F" => Direction.Forward,
            "D" => Direction.BackwardData,
            "W" => Direction.BackwardWeights,
            var dir => throw new FormatException($"dir = {dir}: must be F, D or W"),
        };
        int rank = (int)Number("nd");
        if (rank is < 1 or > 3) throw new FormatException($"nd = {rank}: must be 1, 2 or 3");
        long groups = Math.Max(1, Number("g")), inputs = Number("ic"), outputs = Number("oc");
        Dims kernel = Spatial("k", rank);
        return new ConvSpec
        {
            Op = op,
            HasMask = Text("kind") == "deform2",
            Direction = direction,
            InputShape = Spatial("i", rank).Prepend(Number("mb"), inputs),
            WeightShape = transposed ? kernel.Prepend(inputs, outputs / groups) : kernel.Prepend(outputs, inputs / groups),
            Strides = Spatial("s", rank),
            Dilations = Dims.Create([.. Spatial("d", rank).Select(d => d + 1)]),
            PadsBegin = Spatial("p", rank),
            OutputShape = Spatial("o", rank),
            ImpliedTrailingPads = true,
            Groups = groups,
            HasBias = direction != Direction.BackwardData,
            InputLayout = layout,
            OutputLayout = layout,
        }.Build();
    }

    private Dims Spatial(string prefix, int rank)
    {
        var v = new long[rank];
        for (int i = 0; i < rank; i++) v[i] = Number($"{prefix}{"dhw"[3 - rank + i]}");
        return Dims.Create(v);
    }

    private string Text(string name) => _fields.GetValueOrDefault(name, "");

    // A missing number is 0, as the peers read it.
    private long Number(string name)
    {
        string text = Text(name);
        if (text.Length == 0) return 0;
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long v) ? v : throw new FormatException($"{name} = {text}: must be a whole number");
    }
}
