using System.Diagnostics;
using System.Globalization;
using System.Text;
using ConvNative.Backends;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks.Peers;

/// <summary>One shape on our engine and on the other library.</summary>
/// <param name="Peer">The other library's measurement.</param>
/// <param name="Status">ok, unsupported, unavailable or error.</param>
/// <param name="Ms">Our milliseconds, 0 without.</param>
/// <param name="Detail">Implementation, or reason.</param>
public sealed record PeerRow(PeerMeasurement Peer, string Status, double Ms, string Detail)
{
    /// <summary>Their time over ours: above 1 we are faster. Null without a time of ours.</summary>
    public double? Ratio => Status == "ok" && Ms > 0 ? Peer.Ms / Ms : null;
}

/// <summary>
/// Times an engine on the shapes of another library's table, in the same types, layouts and batches. On a device tensors lie there, several
/// sets of them where they would fit its cache, and calls are queued back to back, as <c>torch_conv.py</c> does it.
/// </summary>
public sealed class PeerComparison(ConvBackend backend, IReadOnlyList<PeerShape> shapes, double budgetMilliseconds)
{
    // As much as torch_conv.py rotates through.
    private const double Rotated = 120e6;
    private const int MostSets = 8;

    /// <summary>The problem of a measurement, or null where the list has no such shape.</summary>
    public ConvProblem? ProblemOf(PeerMeasurement m)
    {
        ArgumentNullException.ThrowIfNull(m);
        if (shapes.FirstOrDefault(s => s.Name == m.Case) is not { } shape) return null;
        string direction = m.Direction switch { "F" => "FWD_B", "D" => "BWD_D", _ => "BWD_WB" }, type = m.Mode switch { "bf16" => "bf16", "fp16" => "f16", _ => "f32" };
        string kind = shape.Kind switch { "deconv" => "--deconv", "deform1" => "--conv --op=deform", "deform2" => "--conv --op=deform --mask=1", _ => "--conv" };
        string tag = m.Layout == "nhwc" ? "axb" : "abx";
        return ConvProblem.Parse($"{kind} --dir={direction} --dt={type} --mb={m.Batch} --stag={tag} --wtag={tag} --dtag={tag} {shape.Descriptor}");
    }

    /// <summary>Times one.</summary>
    public PeerRow Run(PeerMeasurement m)
    {
        ArgumentNullException.ThrowIfNull(m);
        try
        {
            if (ProblemOf(m) is not { } p) return new PeerRow(m, "error", 0, "the list of shapes has no such name");
            PlanResult made = backend.CreatePlan(p, new PlanOptions { Tuning = Tuning.Measure, Math = m.Mode == "tf32" ? MathMode.Fast : MathMode.Strict });
            if (made.Plan is not { } plan) return new PeerRow(m, "unsupported", 0, made.Reason ?? "");
            using (plan) return new PeerRow(m, "ok", plan.Device is { } device ? OnDevice(plan, device) : OnHost(plan), plan.Implementation);
        }
        catch (Exception e) when (e is ConvNativeException or ConvProblemException or ArgumentException or InvalidOperationException or NotSupportedException or OutOfMemoryException or OverflowException)
        {
            return new PeerRow(m, "error", 0, e.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>Tab-separated, a line a row.</summary>
    public static string Table(IEnumerable<PeerRow> rows, IEnumerable<string> comments)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(comments);
        var b = new StringBuilder();
        foreach (string c in comments) b.Append(c).Append('\n');
        b.Append("case\tdir\tbatch\tmode\tlayout\tstatus\tms\tpeer_ms\tratio\tdetail\n");
        foreach (PeerRow r in rows)
            b.Append(CultureInfo.InvariantCulture, $"{r.Peer.Case}\t{r.Peer.Direction}\t{r.Peer.Batch}\t{r.Peer.Mode}\t{r.Peer.Layout}\t{r.Status}\t{r.Ms:R}\t{r.Peer.Ms:R}\t{(r.Ratio is { } q ? q.ToString("F3", CultureInfo.InvariantCulture) : "-")}\t{r.Detail}\n");
        return b.ToString();
    }

    /// <summary>For each direction, mode and layout, and for the better layout of each side: geometric mean, worst and number of the ratios.</summary>
    public static string Summary(IReadOnlyList<PeerRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var b = new StringBuilder("| direction | mode | layout | shapes | geometric mean | worst | at | without a time |\n|---|---|---|---:|---:|---:|---|---:|\n");
        foreach (var g in rows.GroupBy(r => (r.Peer.Direction, r.Peer.Mode, r.Peer.Layout)))
            Line(b, g.Key.Direction, g.Key.Mode, g.Key.Layout, [.. g.Where(r => r.Ratio is not null).Select(r => (r.Peer, r.Ratio!.Value))], g.Count());
        foreach (var g in rows.GroupBy(r => (r.Peer.Direction, r.Peer.Mode)))
        {
            var best = new List<(PeerMeasurement, double)>();
            foreach (var same in g.GroupBy(r => (r.Peer.Case, r.Peer.Batch)))
                if (same.Where(r => r.Ratio is not null).Select(r => r.Ms).DefaultIfEmpty(0).Min() is > 0 and var ours) best.Add((same.First().Peer, same.Min(r => r.Peer.Ms) / ours));
            Line(b, g.Key.Direction, g.Key.Mode, "better of both", best, g.Select(r => (r.Peer.Case, r.Peer.Batch)).Distinct().Count());
        }

        return b.ToString();
    }

    private static void Line(StringBuilder b, string direction, string mode, string layout, List<(PeerMeasurement Peer, double Ratio)> ratios, int all)
    {
        if (ratios.Count == 0)
        {
            b.Append(CultureInfo.InvariantCulture, $"| {direction} | {mode} | {layout} | 0 | - | - | | {all} |\n");
            return;
        }

        (PeerMeasurement worst, double least) = ratios.MinBy(r => r.Ratio);
        b.Append(CultureInfo.InvariantCulture, $"| {direction} | {mode} | {layout} | {ratios.Count} | {Math.Exp(ratios.Average(r => Math.Log(r.Ratio))):F3} | {least:F3} | `{worst.Case}` batch {worst.Batch} | {all - ratios.Count} |\n");
    }

    private double OnDevice(ConvPlan plan, ConvDevice device)
    {
        ConvProblem p = plan.Problem;
        bool forward = p.Direction == Direction.Forward, weights = p.Direction == Direction.BackwardWeights, data = p.Direction == Direction.BackwardData;
        var random = new Random(7);
        var all = new List<DeviceBuffer>();
        try
        {
            if (plan.NeedsWeights) plan.SetWeights(Buffer(p.WeightCount, p.WeightType), p.HasBias ? Buffer(p.OutputChannels, p.BiasType) : null);
            int sets = (int)Math.Clamp(Rotated / Math.Max(1, plan.InputBytes), 1, MostSets);
            DeviceBuffer? offset = p.Op == ConvOp.Deformable ? Buffer(p.OffsetShape.Product, p.InputType) : null, mask = p.HasMask ? Buffer(p.MaskShape.Product, p.InputType) : null;
            DeviceBuffer? gradient = forward ? null : Buffer(p.OutputShape.Product, p.OutputType), bias = weights && p.HasBias ? Buffer(p.OutputChannels, p.BiasType) : null;
            DeviceBuffer result = Buffer(p.ResultShape.Product, p.ResultType);
            var calls = new DeviceArguments[sets];
            for (int i = 0; i < sets; i++)
                calls[i] = new DeviceArguments { Input = data ? null : Buffer(p.InputShape.Product, p.InputType), Offset = offset, Mask = mask, OutputGradient = gradient, Result = result, BiasResult = bias };
            for (int i = 0; i < 5; i++) plan.ExecuteAsync(calls[i % sets]).AsTask().Wait();
            double one = Queue(plan, device, calls, 10) / 10;
            int inner = (int)Math.Clamp(3 / Math.Max(one, 1e-3), 1, 3000);
            var samples = new List<double>();
            var clock = Stopwatch.StartNew();
            while (samples.Count < 5 || clock.Elapsed.TotalMilliseconds < budgetMilliseconds) samples.Add(Queue(plan, device, calls, inner) / inner);
            samples.Sort();
            return samples[samples.Count / 2];
        }
        finally
        {
            foreach (DeviceBuffer b in all) b.Dispose();
        }

        DeviceBuffer Buffer(long count, DataType type)
        {
            DeviceBuffer b = device.Allocate(count * type.SizeOf());
            all.Add(b);
            // A block of random values, repeated: never zeros, and made in no time.
            var block = new double[Math.Min(count, 1 << 16)];
            for (int i = 0; i < block.Length; i++) block[i] = (random.NextDouble() * 2) - 1;
            byte[] bytes = TensorBytes.ToBytes(block, type, [block.Length], Layout.ChannelsFirst);
            for (long at = 0; at < b.Bytes; at += bytes.Length) b.Write(bytes.AsSpan(0, (int)Math.Min(bytes.Length, b.Bytes - at)), at);
            return b;
        }
    }

    /// <summary>Milliseconds of calls queued back to back, from the first to the end of the last.</summary>
    private static double Queue(ConvPlan plan, ConvDevice device, DeviceArguments[] calls, int count)
    {
        device.SynchronizeAsync().AsTask().Wait();
        long begin = Stopwatch.GetTimestamp();
        Task last = Task.CompletedTask;
        for (int i = 0; i < count; i++) last = plan.ExecuteAsync(calls[i % calls.Length]).AsTask();
        last.Wait();
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private double OnHost(ConvPlan plan)
    {
        ConvProblem p = plan.Problem;
        using var session = new Checking.PlanSession(plan, skewed: false);
        var random = new Random(7);
        byte[] Bytes(long count, DataType type)
        {
            var v = new double[count];
            for (int i = 0; i < v.Length; i++) v[i] = (random.NextDouble() * 2) - 1;
            return TensorBytes.ToBytes(v, type, [count], Layout.ChannelsFirst);
        }

        session.SetWeights(Bytes(p.WeightCount, p.WeightType), Bytes(p.HasBias ? p.OutputChannels : 0, p.BiasType));
        session.SetInput(Bytes(p.InputShape.Product, p.InputType));
        session.SetOutputGradient(Bytes(p.OutputShape.Product, p.OutputType));
        if (p.Op == ConvOp.Deformable) session.SetOffset(Bytes(p.OffsetShape.Product, p.InputType));
        if (p.HasMask) session.SetMask(Bytes(p.MaskShape.Product, p.InputType));
        return new TimeLoop().Run(session.Run, budgetMilliseconds).Median;
    }
}
