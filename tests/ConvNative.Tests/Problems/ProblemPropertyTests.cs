using ConvNative.Problems;
using FsCheck;
using FsCheck.Fluent;

namespace ConvNative.Tests.Problems;

/// <summary>Properties of problem strings over random problems.</summary>
[TestClass]
public sealed class ProblemPropertyTests
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(4000);

    private static readonly Arbitrary<int> Seeds = Arb.From(Gen.Choose(0, int.MaxValue - 1));

    [TestMethod]
    public void ParseAndToStringAreInverses() => Prop.ForAll(Seeds, seed =>
    {
        ConvProblem p = SpecGenerator.Problem(seed, out _);
        string text = p.ToString();
        ConvProblem again = ConvProblem.Parse(text);
        Assert.AreEqual(p, again, text);
        Assert.AreEqual(p.GetHashCode(), again.GetHashCode(), text);
        Assert.AreEqual(text, again.ToString());
        Assert.AreEqual(string.IsNullOrEmpty(p.Name) ? null : p.Name, again.Name);
        Assert.AreEqual(p.OutputShape, again.OutputShape, text);
        Assert.AreEqual(p.PadsEnd, again.PadsEnd, text);
        Assert.AreEqual(p.HasBias, again.HasBias, text);
    }).Check(Many);

    [TestMethod]
    public void CanonicalSpecBuildsTheSameProblem() => Prop.ForAll(Seeds, seed =>
    {
        ConvProblem p = SpecGenerator.Problem(seed, out _);
        Assert.AreEqual(p, p.With(s => s), p.ToString());
    }).Check(Many);

    /// <summary>The generator must not hide wrong rejections: most of what it makes is meant to be valid.</summary>
    [TestMethod]
    public void EveryOperationAndRankIsGenerated()
    {
        int rejected = 0, made = 0;
        var seen = new HashSet<(ConvOp, int)>();
        var directions = new HashSet<(ConvOp, Direction)>();
        for (int seed = 0; seed < 4000; seed++)
        {
            ConvProblem p = SpecGenerator.Problem(seed, out int r);
            rejected += r;
            made++;
            seen.Add((p.Op, p.Rank));
            directions.Add((p.Op, p.Direction));
        }

        Assert.HasCount((6 * 3) + 1, seen);
        Assert.HasCount((3 * 4) + 6 + (3 * 2), directions);
        Assert.IsLessThan(made * 0.8, rejected);
    }

    /// <summary>Damaged strings end in one of the two documented exceptions or in a problem, never in anything else.</summary>
    [TestMethod]
    public void DamagedStringsNeverFailOtherwise() => Prop.ForAll(Seeds, seed =>
    {
        const string alphabet = "gmbicohwkspdn_0123456789 -=:+,.\"'\\#\tx\n";
        var random = new Random(seed);
        string text = SpecGenerator.Problem(seed, out _).ToString();
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(text.Length + 1);
            string inserted = random.Next(2) == 0 ? $"{alphabet[random.Next(alphabet.Length)]}" : "";
            text = text[..at] + inserted + text[Math.Min(text.Length, at + random.Next(3))..];
        }

        if (ConvProblem.TryParse(text, out ConvProblem? p, out string? error))
            Assert.AreEqual(p, ConvProblem.Parse(p.ToString()), text);
        else
            Assert.AreNotEqual("", error, text);
    }).Check(Many);
}
