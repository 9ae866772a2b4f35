using System.Diagnostics;
using ConvNative.Backends;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Benchmarks;

/// <summary>One engine on one whole graph, its input and output in plain layouts.</summary>
internal sealed class GraphContestant : BenchContestant
{
    private GraphPlan? _plan;

    public GraphContestant(ConvBackend backend, ConvGraph graph, BenchSettings settings, BenchRow row)
        : base(row) => Prepare(backend, () => Begin(backend, graph, settings));

    /// <summary>The engine's own layout is no layout of a graph's ends: channels-first stands for it.</summary>
    public static Layout LayoutOf(BenchSettings settings) => settings.Layout == Layout.ChannelsLast ? Layout.ChannelsLast : Layout.ChannelsFirst;

    public override void Dispose() => _plan?.Dispose();

    private void Begin(ConvBackend backend, ConvGraph graph, BenchSettings settings)
    {
        GraphData data = GraphData.Create(graph, 1);
        bool isDefault = backend is DefaultEngine;
        long begin = Stopwatch.GetTimestamp();
        _plan = data.Plan(graph, new GraphOptions { Backend = isDefault ? ConvPlan.Auto : backend.Name, Plan = isDefault ? DefaultEngine.Reduce(settings.Options) : settings.Options, Layout = LayoutOf(settings) });
        double create = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Action call = data.Call(_plan, out float[][] outputs);
        begin = Stopwatch.GetTimestamp();
        call();
        double first = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Row = Row with
        {
            Implementation = $"{_plan.Steps.Count} steps, {_plan.ArenaBytes} bytes between them",
            CreateMs = create,
            FirstMs = first,
            Checksum = PeerFills.Checksum(outputs[0]),
        };
        Call = call;
    }
}
