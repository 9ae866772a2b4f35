using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.OpenCl;
using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>What is measured and remembered.</summary>
[TestClass]
public sealed class TunerTests
{
    [TestMethod]
    public void TheFastestIsRememberedAndTakenAgain()
    {
        OpenClDevices.Engine();
        string folder = Directory.CreateTempSubdirectory("convnative-tuning-").FullName;
        try
        {
            Remembers(folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static void Remembers(string folder)
    {
        var engine = new OpenClBackend("gpu", folder);
        ClDevice device = engine.Open(null);
        ConvProblem p = ConvProblem.Parse("mb1ic23ih7iw6oc17kh3kw3ph1pw1");
        var options = new PlanOptions { Tuning = Tuning.Measure };
        string key = ClTuner.Key(new ClRequest(p, device, options));
        Assert.IsFalse(device.Tuned.TryGet(key, out _), "the folder is not empty");
        string first = Implementation(engine);
        Assert.IsTrue(device.Tuned.TryGet(key, out string? choice), "nothing was remembered");
        Assert.Contains(choice!.Split(' ')[0], first);
        Assert.Contains(key, File.ReadAllText(Directory.GetFiles(folder).Single()));

        // A choice that was measured before is taken without measuring, by another process too: this one no measurement would give.
        device.Tuned.Put(key, "gemm 16x64x16/2x4");
        Assert.AreEqual("opencl:gemm:16x64x16/2x4", Implementation(engine));
        Assert.AreEqual("opencl:gemm:16x64x16/2x4", Implementation(new OpenClBackend("gpu", folder)));
        device.Tuned.Put(key, "no-such-routine x");
        Assert.Contains("opencl:", Implementation(engine));
        Assert.IsTrue(device.Tuned.TryGet(key, out choice));
        Assert.DoesNotContain("no-such", choice!);

        string Implementation(OpenClBackend engine)
        {
            using ConvPlan? plan = engine.CreatePlan(p, options).Plan;
            return plan!.Implementation;
        }
    }

    [TestMethod]
    public void AProcessorsCutIsSearchedRememberedAndTakenWithoutMeasuringToo()
    {
        OpenClDevices.Engine();
        using var folder = new TemporaryFolder();
        var engine = new OpenClBackend("cpu", folder.Path);
        ConvProblem p = ConvProblem.Parse("mb1ic9ih9iw11oc34kh3kw3ph1pw1");
        var request = new ClRequest(p, engine.Open(null), PlanOptions.Default);
        using (ConvPlan? measured = engine.CreatePlan(p, new PlanOptions { Tuning = Tuning.Measure }).Plan) Assert.IsNotNull(measured);
        Assert.IsTrue(request.Device.Tuned.TryGet(ClTuner.Key(request), out string? choice), "nothing was remembered");
        Assert.Contains("cpu_blocked", choice!);

        request.Device.Tuned.Put(ClTuner.Key(request), "cpu_blocked 3x2 2parts 48k");
        foreach (Tuning tuning in (Tuning[])[Tuning.Rank, Tuning.Measure])
        {
            using ConvPlan? plan = engine.CreatePlan(p, new PlanOptions { Tuning = tuning }).Plan;
            Assert.Contains("tiles of 3 pixels", string.Join(' ', plan!.Notes));
        }
    }

    [TestMethod]
    public void WhatShipsCountsWhereTheUserHasNothing()
    {
        using var folder = new TemporaryFolder();
        const string Shipped = """
            {"problem":"a","choice":"shipped a"}
            {"problem":"b","choice":"shipped b"}
            {"problem":"torn","cho
            """;
        string? asked = null;
        TuningStore first = Store(), second = Store();
        Assert.IsTrue(first.TryGet("a", out string? choice));
        Assert.AreEqual("shipped a", choice);
        first.Put("a", "own");
        Assert.IsTrue(second.TryGet("a", out choice));
        Assert.AreEqual("own", choice);
        Assert.IsTrue(second.TryGet("b", out choice));
        Assert.AreEqual("shipped b", choice);
        Assert.IsFalse(second.TryGet("torn", out _));
        Assert.AreEqual(Path.GetFileName(Directory.GetFiles(folder.Path).Single()), asked);

        TuningStore Store() => new(() => "test-1", folder.Path, name =>
        {
            asked = name;
            return new MemoryStream(System.Text.Encoding.UTF8.GetBytes(Shipped));
        });
    }

    [TestMethod]
    public void TornLinesTakeNoOthersWithThemAndManyMayWriteAtOnce()
    {
        using var folder = new TemporaryFolder();
        TuningStore first = Store();
        first.Put("a\t\"+", "1");
        string file = Directory.GetFiles(folder.Path).Single();
        File.AppendAllText(file, "{\"problem\":\"x\",\"choice\":\"1\"}\n[1]\n{\"problem\":1,\"choice\":\"1\"}\n\n{\"problem\":\"y\",\"cho");
        Parallel.For(0, 16, i => Store().Put($"p{i}", $"c{i}"));
        TuningStore last = Store();
        foreach ((string key, string value) in Enumerable.Range(0, 16).Select(i => ($"p{i}", $"c{i}")).Append(("a\t\"+", "1")).Append(("x", "1")))
        {
            Assert.IsTrue(last.TryGet(key, out string? choice), key);
            Assert.AreEqual(value, choice);
        }

        Assert.IsFalse(last.TryGet("y", out _));

        TuningStore Store() => new(() => "test-2", folder.Path, _ => null);
    }

    /// <summary>Results that ship name problems, routines and cuts that there are: others would be passed over in silence.</summary>
    [TestMethod]
    public void WhatShipsNamesRoutinesAndCutsThatThereAre()
    {
        ClDevice device = OpenClDevices.First();
        var assembly = typeof(ClTuner).Assembly;
        string[] files = [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith("tuned/opencl-", StringComparison.Ordinal))];
        Assert.IsNotEmpty(files);
        var wrong = new List<string>();
        foreach (string file in files)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(file)!);
            while (reader.ReadLine() is { } line)
            {
                using var json = System.Text.Json.JsonDocument.Parse(line);
                string key = json.RootElement.GetProperty("problem").GetString()!, choice = json.RootElement.GetProperty("choice").GetString()!;
                Assert.StartsWith("cpu ", key);
                var request = new ClRequest(ConvProblem.Parse(key[4..]), device, PlanOptions.Default);
                string[] parts = choice.Split(' ', 2);
                ClRoutine? routine = ClRoutines.Of("cpu").FirstOrDefault(r => r.Name == parts[0]);

                // Lanes and registers of another device allow other cuts.
                bool here = file == $"tuned/{device.Tuned.FileName}";
                if (routine is null || ClTuner.Key(request) != key || (here && (routine.Lacking(request) is not null || !routine.Has(request, parts[1])))) wrong.Add(line);
            }
        }

        Assert.IsEmpty(wrong, string.Join('\n', wrong.Take(10)));
    }
}
