using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Benchmarks;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

[TestClass]
public sealed class ServeTests
{
    private const string Conv = "run kind=conv dir=F nd=2 g=2 mb=2 ic=6 id=1 ih=7 iw=5 oc=4 od=1 oh=4 ow=5 kd=1 kh=3 kw=2 sd=1 sh=2 sw=1 dd=0 dh=0 dw=1 pd=0 ph=1 pw=1 rd=0 rh=1 rw=1 budget=1 desc=x";
    private const string Deconv = "run kind=deconv dir=F nd=2 g=2 mb=2 ic=4 id=1 ih=4 iw=5 oc=6 od=1 oh=8 ow=5 kd=1 kh=3 kw=2 sd=1 sh=2 sw=1 dd=0 dh=0 dw=1 pd=0 ph=1 pw=1 rd=0 rh=0 rw=1 budget=1 desc=x";

    [TestMethod]
    public void SpeaksTheProtocolLineByLine()
    {
        var engine = new FakeBackend();
        using var loop = new ServeLoop(engine, Layout.ChannelsFirst, 1);
        var output = new StringWriter();
        loop.Run(new StringReader($"{Conv}\n{Conv.Replace("budget=1", "budget=2", StringComparison.Ordinal)}\n{Conv.Replace("kind=conv", "kind=pool", StringComparison.Ordinal)}\n{Conv}\nquit\n{Conv}\n"), output);
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(5, lines, output.ToString());
        Assert.AreEqual("ready", lines[0]);
        StringAssert.Matches(lines[1], new(@"^ok \d+\.\d{6} \d+\.\d{6} \d+ -?[\d.e+-]+ fake:naive$"));
        Assert.AreEqual("skip kind = pool: must be conv, deconv, deform1 or deform2", lines[3]);
        Assert.AreEqual(2, engine.Created, "equal requests keep their plan, a refused one drops it");
        Assert.AreEqual(Checksum(lines[1]), Checksum(lines[4]));
    }

    [TestMethod]
    [DataRow(Layout.ChannelsFirst)]
    [DataRow(Layout.ChannelsLast)]
    [DataRow(Layout.Any)]
    public void ChecksumsAreThePeers(Layout layout)
    {
        ConvBackend managed = Backends.Engines.Find("managed") ?? throw new InvalidOperationException("managed is always there");
        using var loop = new ServeLoop(managed, layout, 1);
        Assert.AreEqual(PeerConvolution(), Checksum(loop.Answer(Conv)), 1e-6);
        Assert.AreEqual(PeerDeconvolution(), Checksum(loop.Answer(Deconv)), 1e-6);
    }

    /// <summary>The sums are torchvision's, as the peers' results record them.</summary>
    [TestMethod]
    [DataRow("deform1", 1.99339197)]
    [DataRow("deform2", 1.99220577)]
    public void DeformableChecksumsAreThePeers(string kind, double expected)
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        using var loop = new ServeLoop(onednn, Layout.ChannelsFirst, 0);
        string request = $"run kind={kind} dir=F nd=2 g=1 mb=1 ic=256 id=1 ih=28 iw=28 oc=256 od=1 oh=28 ow=28 kd=1 kh=3 kw=3 sd=1 sh=1 sw=1 dd=0 dh=0 dw=0 pd=0 ph=1 pw=1 rd=0 rh=1 rw=1 budget=1";
        Assert.AreEqual(expected, Checksum(loop.Answer(request)), 1e-7);
    }

    [TestMethod]
    public void BackwardAnswersHaveNoChecksum()
    {
        using var loop = new ServeLoop(Backends.Engines.Find("managed")!, Layout.ChannelsFirst, 1);
        foreach (string dir in new[] { "D", "W" })
        {
            string answer = loop.Answer(Conv.Replace("dir=F", $"dir={dir}", StringComparison.Ordinal));
            StringAssert.Matches(answer, new(@"^ok \S+ \S+ \d+ 0 \S+"), answer);
        }
    }

    [TestMethod]
    [DataRow("sh=2", "sh=0", "strides")]
    [DataRow("dir=F", "dir=X", "dir = X: must be F, D or W")]
    [DataRow("ic=6", "ic=five", "ic = five: must be a whole number")]
    [DataRow("budget=1", "budget=", "budget")]
    public void WhatIsWrongIsSkippedByName(string from, string to, string says)
    {
        using var loop = new ServeLoop(new FakeBackend(), Layout.ChannelsFirst, 1);
        string answer = loop.Answer(Conv.Replace(from, to, StringComparison.Ordinal));
        Assert.StartsWith("skip ", answer);
        Assert.Contains(says, answer);
    }

    [TestMethod]
    public void AnEngineThatCannotSkips()
    {
        using var loop = new ServeLoop(new FakeBackend(), Layout.ChannelsFirst, 1);
        Assert.AreEqual("skip the fake does forward correlation only", loop.Answer(Deconv));
        using var broken = new ServeLoop(new FakeBackend(Sabotage.ThrowOnCreate), Layout.ChannelsFirst, 1);
        Assert.StartsWith("skip fake: out of luck", broken.Answer(Conv));
    }

    [TestMethod]
    public void TheTimingLoopKeepsItsRules()
    {
        int calls = 0;
        Timing t = new TimeLoop().Run(() => calls++, 0);
        Assert.AreEqual(5, t.Samples);
        Assert.AreEqual(8, calls, "three untimed, five timed");
        Assert.IsTrue(t.Min <= t.Median);
    }

    private static double Checksum(string answer) => double.Parse(answer.Split(' ')[4], CultureInfo.InvariantCulture);

    // The peers' mathematics, spelled out: weights in the order [G, O/G, C/G, kh, kw] for both kinds.
    private static double PeerConvolution()
    {
        var y = new double[2 * 4 * 4 * 5];
        for (int n = 0; n < 2; n++)
            for (int o = 0; o < 4; o++)
                for (int h = 0; h < 4; h++)
                    for (int w = 0; w < 5; w++)
                    {
                        double s = PeerFills.Bias(o);
                        for (int i = 0; i < 3; i++)
                            for (int kh = 0; kh < 3; kh++)
                                for (int kw = 0; kw < 2; kw++)
                                {
                                    int g = o / 2, ih = (h * 2) - 1 + kh, iw = w - 1 + (kw * 2);
                                    if (ih is < 0 or >= 7 || iw is < 0 or >= 5) continue;
                                    s += PeerFills.Source((((((n * 6) + (g * 3) + i) * 7) + ih) * 5) + iw) * PeerFills.Weight((((((o * 3) + i) * 3) + kh) * 2) + kw);
                                }

                        y[(((((n * 4) + o) * 4) + h) * 5) + w] = s;
                    }

        return Sum(y);
    }

    private static double PeerDeconvolution()
    {
        var y = new double[2 * 6 * 8 * 5];
        for (int n = 0; n < 2; n++)
        {
            for (int o = 0; o < 6; o++)
                for (int at = 0; at < 40; at++)
                    y[(((n * 6) + o) * 40) + at] = PeerFills.Bias(o);
            for (int g = 0; g < 2; g++)
                for (int o = 0; o < 3; o++)
                    for (int i = 0; i < 2; i++)
                        for (int h = 0; h < 4; h++)
                            for (int w = 0; w < 5; w++)
                                for (int kh = 0; kh < 3; kh++)
                                    for (int kw = 0; kw < 2; kw++)
                                    {
                                        int oh = (h * 2) - 1 + kh, ow = w - 1 + (kw * 2);
                                        if (oh is < 0 or >= 8 || ow is < 0 or >= 5) continue;
                                        double x = PeerFills.Source((((((n * 4) + (g * 2) + i) * 4) + h) * 5) + w);
                                        double v = PeerFills.Weight((((((((g * 3) + o) * 2) + i) * 3) + kh) * 2) + kw);
                                        y[(((((n * 6) + (g * 3) + o) * 8) + oh) * 5) + ow] += x * v;
                                    }
        }

        return Sum(y);
    }

    private static double Sum(double[] y)
    {
        double s = 0;
        for (int i = 0; i < y.Length; i++) s += (float)y[i] * (double)(1 + (i % 7));
        return s / y.Length;
    }
}
