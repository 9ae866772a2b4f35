using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Dense;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Geometry;

/// <summary>Closed forms of an axis against a search of all outputs and taps.</summary>
[TestClass]
public sealed class AxisTests
{
    [TestMethod]
    public void TapsOfEveryDestinationAreThoseOfASearch()
    {
        int entries = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            var r = new Random(seed);
            var map = new AxisMap(r.Next(1, 12), r.Next(1, 12), r.Next(1, 7), r.Next(1, 7), r.Next(1, 7), r.Next(0, 9), PaddingMode.Zeros);
            bool flip = r.Next(2) == 0, down = r.Next(2) == 0;
            var taps = new AxisTaps(map, down, flip, keepOutside: false);
            for (int i = 0; i < taps.Destinations; i++)
            {
                var wanted = new List<(int Source, int Tap)>();
                for (int p = 0; p < map.Small; p++)
                    for (int k = 0; k < map.Kernel; k++)
                        if ((down ? p : map.At(p, k)) == i && map.At(p, k) != AxisMap.Outside) wanted.Add((down ? map.At(p, k) : p, flip ? map.Kernel - 1 - k : k));
                TapRun run = taps.Of(i);
                (int, int)[] got = [.. Enumerable.Range(0, run.Count).Select(t => (taps.Source(run.Place + (t * run.PlaceStep)), run.Tap + (t * run.TapStep)))];
                CollectionAssert.AreEqual(wanted.ToArray(), got, $"seed {seed}, index {i}");
                entries += got.Length;
            }

            var phases = new PhaseAxis(map, down, flip, PaddingMode.Zeros);
            foreach (Phase p in phases.Phases)
                for (int j = 0; j < p.Count; j++)
                {
                    TapRun run = taps.Of(p.First + (p.Step * j));
                    int[] inside = [.. p.Offset.Select(o => phases.SourceAt(j, o)).Where(s => s != AxisMap.Outside)];
                    CollectionAssert.AreEqual(Enumerable.Range(0, run.Count).Select(t => taps.Source(run.Place + (t * run.PlaceStep))).Order().ToArray(), inside, $"seed {seed}");
                }

            var spans = new TapSpans(map);
            for (int k = 0; k < map.Kernel; k++)
                for (int p = 0; p < map.Small; p++) Assert.AreEqual(map.At(p, k) != AxisMap.Outside, p >= spans.From[k] && p < spans.To[k], $"seed {seed}");
        }

        Assert.IsGreaterThan(10_000, entries);
    }

    [TestMethod]
    [DataRow("--dir=FWD_B mb2ic1iw3000oc1kw45pw20")]
    [DataRow("--dir=FWD_B --pad-mode=reflect --attr-post-ops=relu mb1ic3iw2400oc2kw33pw16dw2")]
    [DataRow("--dir=BWD_D mb1ic2iw2500oc3kw40pw7")]
    [DataRow("--op=conv --dt=f64 --dir=FWD_D mb1ic4iw5000oc4kw64pw70g4")]
    public void AFilterHasTheBitsOfPlanes(string text)
    {
        ConvProblem p = ConvProblem.Parse(text);
        if (p.InputType == DataType.F64) Compare<double>(p, n => (n % 97) / 7.0);
        else Compare<float>(p, n => (n % 97) / 7f);
    }

    private static void Compare<T>(ConvProblem p, Func<int, T> value)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var view = new View(p);
        Assert.IsTrue(FirPlan<T>.Serves(view));
        T[][] results = [.. ((ConvPlan[])[new FirPlan<T>(view, PlanOptions.Default), new PlanePlan<T>(view, PlanOptions.Default)]).Select(plan =>
        {
            using (plan)
            {
                var result = new T[p.ResultShape.Product];
                plan.SetWeights(MemoryMarshal.AsBytes(Some(p.WeightCount, 3)), MemoryMarshal.AsBytes(Some(p.HasBias ? p.OutputChannels : 0, 5)));
                plan.Execute(new ConvArguments
                {
                    Input = p.Direction == Direction.Forward ? MemoryMarshal.AsBytes(Some(p.InputShape.Product, 7)) : default,
                    OutputGradient = p.Direction == Direction.Forward ? default : MemoryMarshal.AsBytes(Some(p.OutputShape.Product, 11)),
                    Result = MemoryMarshal.AsBytes(result.AsSpan()),
                });
                return result;
            }
        })];
        CollectionAssert.AreEqual(results[1], results[0]);

        Span<T> Some(long count, int step) => Enumerable.Range(1, (int)count).Select(i => value(i * step)).ToArray();
    }
}
