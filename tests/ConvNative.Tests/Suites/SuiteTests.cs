using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The suites that ship with the tool: readable, uniquely named, and the networks that their headers claim.</summary>
[TestClass]
public sealed partial class SuiteTests
{
    private const string Prefix = "suites/";

    /// <summary>Distinct layers, convolutions, weights, multiply-adds; each network's numbers agree with published totals, see <see cref="Published"/>.</summary>
    private static readonly Dictionary<string, (int Layers, long Convolutions, long Weights, long MultiplyAdds)> Networks = new()
    {
        ["alexnet"] = (5, 5, 2_332_704, 665_784_864),
        ["vgg16"] = (9, 13, 14_710_464, 15_346_630_656),
        ["googlenet"] = (49, 57, 5_966_272, 1_581_647_872),
        ["resnet50"] = (23, 53, 23_454_912, 4_087_136_256),
        ["resnext50"] = (24, 53, 22_911_680, 4_228_431_872),
        ["mobilenet_v1"] = (19, 27, 3_185_088, 567_716_352),
        ["mobilenet_v2"] = (30, 52, 2_189_760, 299_494_272),
        ["shufflenet"] = (19, 49, 880_248, 136_500_672),
        ["shufflenet_v2"] = (16, 56, 1_237_424, 143_883_992),
        ["densenet121"] = (66, 120, 6_870_208, 2_833_137_664),
        ["squeezenet"] = (18, 26, 1_231_552, 349_151_936),
        ["deeplab"] = (31, 111, 57_932_224, 71_061_387_712),
        ["dcgan"] = (10, 10, 6_338_560, 208_445_440),
        ["unet"] = (19, 23, 31_024_960, 48_171_581_440),
        ["unet3d"] = (18, 18, 19_067_616, 28_676_259_840),
        ["r3d"] = (11, 20, 33_156_672, 40_696_348_672),
        ["wavenet"] = (14, 63, 901_120, 14_417_920_000),
        ["jasper"] = (28, 109, 332_510_208, 166_255_104_000),
    };

    public static IEnumerable<object[]> NetworkRows => Networks.Select(n => new object[] { n.Key, n.Value.Layers, n.Value.Convolutions, n.Value.Weights, n.Value.MultiplyAdds });

    public static IEnumerable<object[]> SuiteRows => SuiteNames().Select(n => new object[] { n });

    /// <summary>
    /// Published parameter counts of whole networks: weights, <c>perChannel</c> for each output channel (1 bias, 2 batch norm,
    /// folded), and what is no convolution (dense layers, channels without).
    /// </summary>
    public static IEnumerable<object[]> Published =>
    [
        ["alexnet", 1, 58_631_144L, 60_965_224L],
        ["vgg16", 1, 123_642_856L, 138_357_544L],
        ["googlenet", 1, 1_025_000L, 6_998_552L],
        ["resnet50", 2, 2_049_000L, 25_557_032L],
        ["resnext50", 2, 2_049_000L, 25_028_904L],
        ["mobilenet_v1", 2, 1_025_000L, 4_231_976L],
        ["mobilenet_v2", 2, 1_281_000L, 3_504_872L],
        ["shufflenet", 2, 961_000L, 1_865_728L],
        ["shufflenet_v2", 2, 1_025_000L, 2_278_604L],
        ["densenet121", 0, (2 * 41_824L) + 1_025_000, 7_978_856L], // batch norm on the inputs: 41,824 channels
        ["squeezenet", 1, 0L, 1_235_496L],
        ["dcgan", 2, -2L * (3 + 64 + 1), 3_576_704L + 2_765_568], // no batch norm on the image, the first and the last of the discriminator
        ["unet", 2, -(512L + 256 + 128 + 64 + 2), 31_037_698L], // bias, not batch norm, on the transposed and the last
        ["unet3d", 1, -(512L + 256 + 128), 19_069_955L], // no bias on the transposed
        ["r3d", 2, 205_200L, 33_371_472L],
    ];

    [TestMethod]
    [DynamicData(nameof(NetworkRows))]
    public void TotalsAreTheNetworks(string suite, int layers, long convolutions, long weights, long multiplyAdds)
    {
        IReadOnlyList<ConvProblem> problems = Read(suite);
        Assert.HasCount(layers, problems);
        Assert.AreEqual(convolutions, problems.Sum(Count), "convolutions");
        Assert.AreEqual(weights, problems.Sum(p => Count(p) * p.WeightCount), "weights");
        Assert.AreEqual(multiplyAdds, problems.Sum(p => Count(p) * p.MultiplyAdds), "multiply-adds");
        string header = Text(suite);
        foreach (FormattableString said in (FormattableString[])[$"{layers} distinct layers", $"{convolutions} convolutions", $"{weights:N0} weights", $"{multiplyAdds:N0} multiply-adds"])
            Assert.Contains(said.ToString(CultureInfo.InvariantCulture), header, "the header says it");
        foreach (ConvProblem p in problems)
        {
            Assert.AreEqual(1, p.Batch, p.ToString());
            Assert.IsTrue(p.HasBias && p.Direction == Direction.Forward, p.ToString());
        }

        Assert.HasCount(layers, problems.Distinct().ToArray(), "identical layers are written once");
    }

    [TestMethod]
    [DynamicData(nameof(Published))]
    public void ParametersAreThePublishedOnes(string suite, int perChannel, long others, long published) =>
        Assert.AreEqual(published, Read(suite).Sum(p => Count(p) * (p.WeightCount + (perChannel * p.OutputChannels))) + others);

    [TestMethod]
    public void DeepLabsBackboneIsResNet101()
    {
        long weights = Read("deeplab").Where(p => p.Name!.Contains(":res", StringComparison.Ordinal) || p.Name.EndsWith(":conv1", StringComparison.Ordinal)).Sum(p => Count(p) * p.WeightCount);
        Assert.AreEqual(44_549_160L - (2 * 52_672) - 2_049_000, weights);
    }

    [TestMethod]
    public void WaveNetsCycleSees1024Samples()
    {
        ConvProblem[] gated = [.. Read("wavenet").Where(p => p.Name!.Contains("gated", StringComparison.Ordinal))];
        Assert.AreEqual(1024, 1 + gated.Sum(p => p.Dilations[0] * (p.Kernel[0] - 1)));
        foreach (ConvProblem p in gated) Assert.AreEqual(0, p.PadsEnd[0], p.ToString());
    }

    [TestMethod]
    [DynamicData(nameof(SuiteRows))]
    public void EveryProblemHasItsOwnNameAndReadsBack(string suite)
    {
        Assert.StartsWith("# ", Text(suite));
        IReadOnlyList<ConvProblem> problems = Read(suite);
        Assert.IsNotEmpty(problems);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (ConvProblem p in problems)
        {
            Assert.IsNotNull(p.Name, p.ToString());
            // A variant is one name in every direction, type and layout.
            string knobs = suite == "variants" ? p.With(s => s with { Name = null }).ToString() : "";
            Assert.IsTrue(names.Add($"{Repeat().Replace(p.Name, "")}{knobs}"), $"{p} twice");
            ConvProblem back = ConvProblem.Parse(p.ToString());
            Assert.AreEqual(p, back, p.ToString());
            Assert.AreEqual(p.Name, back.Name);
        }
    }

    [TestMethod]
    public void EveryAskedSuiteShips()
    {
        string[] all = [.. SuiteNames()];
        foreach (string name in Networks.Keys.Concat(["edge", "smoke", "variants"])) CollectionAssert.Contains(all, name);
        Assert.HasCount(Networks.Count + 3, all, "a suite without totals here: add them");
    }

    [TestMethod]
    public void EdgeHasEveryCorner()
    {
        IReadOnlyList<ConvProblem> all = Read("edge");
        void Has(string corner, Func<ConvProblem, bool> test) => Assert.IsTrue(all.Any(test), corner);
        for (int r = 1; r <= 3; r++)
        {
            foreach (ConvOp op in (ConvOp[])[ConvOp.Correlation, ConvOp.Convolution, ConvOp.Transposed])
                Has($"{op} of rank {r}", p => p.Rank == r && p.Op == op);
            Has($"empty batch of rank {r}", p => p.Rank == r && p.Batch == 0);
            Has($"depthwise of rank {r}", p => p.Rank == r && p.IsDepthwise);
            Has($"groups of rank {r}", p => p.Rank == r && p.Groups > 1 && !p.IsDepthwise);
            Has($"dilation of rank {r}", p => p.Rank == r && p.Dilations.Any(d => d > 1));
            Has($"kernel larger than the image, rank {r}", p => p.Rank == r && p.Op == ConvOp.Correlation && p.Kernel[0] > p.InputSpatial[0]);
        }

        foreach (PaddingMode m in Enum.GetValues<PaddingMode>()) Has($"padding mode {m}", p => p.PaddingMode == m);
        foreach (ActivationKind a in Enum.GetValues<ActivationKind>()) Has($"activation {a}", p => p.PostOps.Activation.Kind == a);
        foreach (Layout l in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast, Layout.Any]) Has($"layout {l}", p => p.InputLayout == l && p.OutputLayout == l);
        Has("layouts that differ", p => p.InputLayout != p.OutputLayout);
        Has("residual", p => p.PostOps.Residual && p.PostOps.Activation.Kind != ActivationKind.None);
        Has("output scale", p => p.PostOps.OutputScale is not null);
        Has("no bias", p => !p.HasBias);
        Has("multiplier", p => p.IsDepthwise && p.OutputChannels > p.InputChannels);
        Has("cropped", p => p.Op == ConvOp.Correlation && p.PadsEnd.Any(e => e < -3));
        Has("end pad only", p => p.Op == ConvOp.Correlation && p.PadsBegin.All(b => b == 0) && p.PadsEnd.All(e => e > 0));
        Has("output padding, implied", p => p.Op == ConvOp.Transposed && p.PadsEnd.Any(e => e < 0));
        Has("output padding, given", p => p.OutputPadding.Any(o => o > 0));
        Has("strides that differ", p => p.Strides.Distinct().Count() > 1);
    }

    [TestMethod]
    [DataRow("benchdnn_shapes_small.txt", 10)]
    [DataRow("benchdnn_set_small.txt", 50)]
    [DataRow("benchdnn_harness_small.txt", 172)]
    [DataRow("benchdnn_deconv_small.txt", 10)]
    public void FilesInBenchdnnsStyleExpand(string file, int expected)
    {
        IReadOnlyList<ConvProblem> problems = ProblemFile.Read(Path.Combine(AppContext.BaseDirectory, "problems", file));
        Assert.HasCount(expected, problems);
        Assert.AreEqual(file.Contains("deconv", StringComparison.Ordinal) ? expected : 0, problems.Count(p => p.Op == ConvOp.Transposed));
    }

    /// <summary>How often the network runs the layer: the <c>*N</c> at the end of its name.</summary>
    private static long Count(ConvProblem p)
    {
        Match m = Repeat().Match(p.Name ?? "");
        return m.Success ? long.Parse(m.ValueSpan[1..], CultureInfo.InvariantCulture) : 1;
    }

    private static IReadOnlyList<ConvProblem> Read(string suite) => ProblemFile.Read(suite, Text);

    private static Assembly Tool => typeof(ConvNative.Cli.ExitCode).Assembly;

    private static IEnumerable<string> SuiteNames() => Tool.GetManifestResourceNames()
        .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => Path.GetFileNameWithoutExtension(n[Prefix.Length..]));

    private static string Text(string suite)
    {
        using Stream s = Tool.GetManifestResourceStream($"{Prefix}{suite}.txt") ?? throw new AssertFailedException($"no suite {suite}");
        using var reader = new StreamReader(s);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\*\d+$")]
    private static partial Regex Repeat();
}
