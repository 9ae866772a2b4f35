using System.Reflection;
using System.Text.RegularExpressions;
using ConvNative.Graphs.Catalog;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>
/// The pages under docs/ say what the code says. <c>CONVNATIVE_WRITE_GENERATED=1 dotnet test --filter FullyQualifiedName~Docs</c> writes figures and
/// generated parts anew.
/// </summary>
[TestClass]
public sealed partial class PageTests
{
    public static IEnumerable<object[]> AllPages => Pages.All.Select(p => new object[] { p });

    public static IEnumerable<object[]> Examples => Methods(typeof(VariantExamples)).Concat(Methods(typeof(BlockExamples))).Select(m => new object[] { m.Name });

    [TestMethod]
    [DynamicData(nameof(AllPages))]
    public void What_code_makes_in_a_page_is_what_it_makes_now(string page)
    {
        string text = Pages.Read(page), fresh = Pages.Render(text);
        if (Pages.Writes) File.WriteAllText(Path.Combine(Pages.Folder, page), fresh);
        else Assert.AreEqual(fresh, text, $"docs/{page} is stale: CONVNATIVE_WRITE_GENERATED=1 writes it");
    }

    [TestMethod]
    public void Figures_are_what_the_code_draws_now()
    {
        string folder = Path.Combine(Pages.Folder, "figures");
        foreach ((string file, Func<string> draw) in FigureCatalog.All)
        {
            string path = Path.Combine(folder, file), fresh = draw();
            if (Pages.Writes) File.WriteAllText(path, fresh);
            else Assert.AreEqual(fresh, File.Exists(path) ? File.ReadAllText(path) : "", $"{file} is stale: CONVNATIVE_WRITE_GENERATED=1 writes it");
        }

        string[] files = [.. Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        CollectionAssert.AreEqual(FigureCatalog.All.Select(f => f.File).Order(StringComparer.Ordinal).ToArray(), files, "a file that nobody draws");
        string pages = string.Concat(Pages.All.Select(Pages.Read));
        foreach (string file in files) StringAssert.Contains(pages, $"figures/{file}", "a figure that no page shows");
    }

    [TestMethod]
    [DynamicData(nameof(AllPages))]
    public void Links_lead_somewhere(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Pages.Folder, page))!;
        foreach (Match m in Link().Matches(Pages.Read(page)).Where(m => !m.Groups[1].Value.StartsWith("http", StringComparison.Ordinal)))
        {
            string target = Path.Combine(folder, m.Groups[1].Value.Split('#')[0]);
            Assert.IsTrue(File.Exists(target) || Directory.Exists(target), $"docs/{page} links to {m.Groups[1].Value}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllPages))]
    public void Counts_in_prose_are_among_those_of_explain(string page)
    {
        (string own, string made) = Pages.Parts(Pages.Read(page));
        foreach (Match m in Count().Matches(own)) StringAssert.Contains(made, m.Value, $"docs/{page}: {m.Value} stands in no table of the page");
    }

    [TestMethod]
    [DynamicData(nameof(Examples))]
    public void An_example_gives_what_its_last_comment_says(string name)
    {
        string result = (string)Methods(typeof(VariantExamples)).Concat(Methods(typeof(BlockExamples))).Single(m => m.Name == name).Invoke(null, null)!;
        string comment = Pages.Region(name).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.AreEqual(comment, $"// {result}");
        Assert.IsTrue(Pages.All.Any(p => Pages.Arguments(Pages.Read(p), "code").Contains(name)), $"no page shows {name}");
    }

    [TestMethod]
    public void Every_block_has_a_page()
    {
        string[] shown = [.. Pages.All.SelectMany(p => Pages.Arguments(Pages.Read(p), "block"))];
        CollectionAssert.AreEquivalent(BlockCatalog.Names.ToArray(), shown);
    }

    [TestMethod]
    public void Every_page_is_in_the_index_and_every_variant_page_is_whole()
    {
        string index = Pages.Read("README.md");
        foreach (string page in Pages.All.Where(p => p != "README.md"))
        {
            StringAssert.Contains(index, $"({page})");
            string text = Pages.Read(page);
            string[] needs = page.StartsWith("variants/", StringComparison.Ordinal)
                ? ["<!-- counts:", "<!-- engines:", "<!-- code:", "../figures/", "../../src/Oracle/"] : ["<!-- block:", "<!-- code:", "../figures/"];
            foreach (string need in needs) StringAssert.Contains(text, need, page);
        }
    }

    [TestMethod]
    [DataRow("ic1iw8oc1kw3pw1sw2")]
    [DataRow("ic1ih5iw6oc1kh3kw2ph1pw0")]
    [DataRow("ic1ih5iw6oc1oh2ow3kh3kw2sh2sw2ph1pw1")]
    [DataRow("ic1id3ih4iw5oc1kd2kh3kw3pd0ph1pw0")]
    [DataRow("ic1ih7iw8oc1kh3kw2ph0pw1dh1dw2")]
    [DataRow("--op=conv ic1ih5iw6oc1kh3kw2ph1pw1")]
    [DataRow("--deconv ic1ih5iw4oc1kh3kw4sh2sw3ph1pw0")]
    public void Drawn_taps_are_those_of_the_oracle(string text)
    {
        // The gradient of one output with weights 1, 2, 3... is the number of the weight that each input meets.
        ConvProblem p = ConvProblem.Parse($"--dir=BWD_D {text}").With(s => s with { InputShape = [1, .. s.InputShape.Slice(1)] });
        double[] weights = [.. Enumerable.Range(1, (int)p.WeightCount).Select(i => (double)i)];
        foreach (long[] output in Taps.Positions(p.OutputSpatial))
        {
            var grad = new double[p.OutputShape.Product];
            grad[Flat(output, p.OutputSpatial)] = 1;
            double[] expected = NaiveOracle.Compute(p, new OracleTensors { OutputGrad = grad, Weights = weights }).Values, drawn = new double[expected.Length];
            foreach (Tap t in Taps.Of(p, output).Where(t => t.Inside)) drawn[Flat(t.At, p.InputSpatial)] += t.Weight + 1;
            CollectionAssert.AreEqual(expected, drawn, $"{p}, output {string.Join(',', output)}");
        }
    }

    [TestMethod]
    [DataRow("g2ic6ih5oc4kh3ph1")]
    [DataRow("g4ic4ih5oc8kh3ph1")]
    [DataRow("--op=shuffle g3mb1ic6ih5")]
    public void Drawn_channels_are_those_of_the_oracle(string text)
    {
        ConvProblem p = ConvProblem.Parse($"--dir=FWD_D {text}").With(s => s with { InputShape = [1, .. s.InputShape.Slice(1)] });
        for (long c = 0; c < p.InputChannels; c++)
        {
            var x = new double[p.InputShape.Product];
            Array.Fill(x, 1, (int)(c * p.InputSpatial.Product), (int)p.InputSpatial.Product);
            double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = p.HasWeights ? [.. Enumerable.Repeat(1.0, (int)p.WeightCount)] : null }).Values;
            for (long o = 0; o < p.OutputChannels; o++)
                Assert.AreEqual(y[o * p.OutputSpatial.Product] != 0, ChannelFigures.Reads(p, o).Contains(c), $"{p}: {c} to {o}");
        }
    }

    private static IEnumerable<MethodInfo> Methods(Type type) => type.GetMethods(BindingFlags.Public | BindingFlags.Static);

    private static long Flat(long[] at, Dims shape)
    {
        long flat = 0;
        for (int i = 0; i < at.Length; i++) flat = (flat * shape[i]) + at[i];
        return flat;
    }

    [GeneratedRegex(@"\]\(([^)]+)\)", RegexOptions.None, 5000)]
    private static partial Regex Link();

    [GeneratedRegex(@"\d{1,3}(,\d{3})+", RegexOptions.None, 5000)]
    private static partial Regex Count();
}
