using System.Globalization;
using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Commands;
using ConvNative.Graphs.Catalog;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Benchmarks.Peers;

/// <summary>
/// The peers' protocol on one engine: a request a line, an answer a line, so that a harness can let engines take turns. Only the
/// plan's run is timed; weights are packed, and layout "any" is entered, before.
/// </summary>
public sealed class ServeLoop : IDisposable
{
    private const string GraphRequest = "graph ";
    private readonly ConvBackend? _backend;
    private readonly Layout _layout;
    private readonly PlanOptions _options;
    private readonly TimeLoop _loop = new();
    private double _warmUp = 500;
    private string? _key;
    private ConvPlan? _plan;
    private GraphPlan? _graph;
    private PlanSession? _session;
    private Action? _call;
    private double _checksum;

    /// <summary>Serves <paramref name="backend"/> (null: <c>auto</c>) with at most <paramref name="threads"/> threads (0: all), by the rounding that <paramref name="math"/> permits.</summary>
    public ServeLoop(ConvBackend? backend, Layout layout, int threads, MathMode math = MathMode.Strict)
    {
        _backend = backend;
        _layout = layout;
        _options = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = threads, Math = math };
    }

    /// <summary>Answers until "quit" or the end of the input.</summary>
    public void Run(TextReader input, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        Say(output, "ready");
        while (input.ReadLine() is { } line && line != "quit") Say(output, Answer(line));
    }

    /// <summary><c>ok median min samples checksum implementation</c> or <c>skip reason</c>.</summary>
    public string Answer(string line)
    {
        try
        {
            if (line.StartsWith(GraphRequest, StringComparison.Ordinal)) return Graph(line);
            PeerRequest request = PeerRequest.Parse(line);
            double budget = request.Budget;
            if (request.Key != _key)
            {
                Drop();
                if (Prepare(request.ToProblem(_layout)) is { } reason) return Skip(reason);
                _key = request.Key;
            }

            Timing t = _loop.Run(_call!, budget);
            return string.Create(CultureInfo.InvariantCulture, $"ok {t.Median:F6} {t.Min:F6} {t.Samples} {_checksum.ToString("G9", CultureInfo.InvariantCulture).Replace('E', 'e')} {OneLine(_plan!.Implementation)}");
        }
        catch (Exception e) when (e is ConvNativeException or ConvProblemException or FormatException or ArgumentException or OverflowException or OutOfMemoryException or NotSupportedException)
        {
            Drop();
            return Skip(e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    private static void Say(TextWriter output, string line)
    {
        output.Write(line + "\n");
        output.Flush();
    }

    private static string Skip(string reason) => $"skip {OneLine(reason)}";

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    /// <summary><c>graph NAME budget=MS</c>: a whole network of <see cref="TrunkCatalog"/> or a block; the checksum is of our own weights.</summary>
    private string Graph(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 3 || !words[2].StartsWith("budget=", StringComparison.Ordinal)) return Skip($"{line}: must be {GraphRequest}NAME budget=MS");
        double budget = double.Parse(words[2]["budget=".Length..], CultureInfo.InvariantCulture);
        string key = GraphRequest + words[1];
        if (key != _key)
        {
            Drop();
            ConvGraph graph = BlockReport.Find(words[1]).Graph;
            GraphData data = GraphData.Create(graph, 1);
            _graph = data.Plan(graph, new GraphOptions { Backend = _backend?.Name ?? ConvPlan.Auto, Plan = _options, Layout = _layout == Layout.ChannelsLast ? Layout.ChannelsLast : Layout.ChannelsFirst });
            _call = data.Call(_graph, out float[][] outputs);
            _call();
            _checksum = PeerFills.Checksum(outputs[0]);
            TimeLoop.WarmUp(_call, _warmUp);
            _key = key;
        }

        Timing t = _loop.Run(_call!, budget);
        return string.Create(CultureInfo.InvariantCulture, $"ok {t.Median:F6} {t.Min:F6} {t.Samples} {_checksum.ToString("G9", CultureInfo.InvariantCulture).Replace('E', 'e')} {_graph!.Steps.Count} steps");
    }

    private string? Prepare(ConvProblem p)
    {
        PlanResult made = _backend is null ? ConvPlan.TryCreate(p, _options) : _backend.CreatePlan(p, _options);
        if (made.Plan is null) return made.Reason ?? "no plan";
        _plan = made.Plan;
        _session = new PlanSession(_plan, skewed: false);
        if (_plan.NeedsWeights) _session.SetWeights(MemoryMarshal.AsBytes<float>(PeerFills.Weights(p)), MemoryMarshal.AsBytes<float>(p.HasBias ? PeerFills.Biases(p.OutputChannels) : []));
        _session.SetInput(MemoryMarshal.AsBytes<float>(PeerFills.Sources(p.InputShape.Product)));
        if (p.Direction != Direction.Forward) _session.SetOutputGradient(MemoryMarshal.AsBytes<float>(PeerFills.Sources(p.OutputShape.Product)));
        if (p.Op == ConvOp.Deformable) _session.SetOffset(MemoryMarshal.AsBytes<float>(PeerFills.Sources(p.OffsetShape.Product)));
        if (p.HasMask) _session.SetMask(MemoryMarshal.AsBytes<float>(PeerFills.Masks(p)));
        _call = _session.Run;
        _call();
        _checksum = p.Direction == Direction.Forward ? PeerFills.Checksum(MemoryMarshal.Cast<byte, float>(_session.Result())) : 0;

        // The first case of a process also warms up what all cases share.
        TimeLoop.WarmUp(_call, _warmUp);
        _warmUp = 150;
        return null;
    }

    private void Drop()
    {
        _key = null;
        _call = null;
        _session?.Dispose();
        _session = null;
        _plan?.Dispose();
        _plan = null;
        _graph?.Dispose();
        _graph = null;
    }
}
