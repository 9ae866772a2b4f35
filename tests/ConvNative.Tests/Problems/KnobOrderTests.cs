using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Knobs that no problem follows, and the bias's type: nothing is taken without an effect and without a word.</summary>
[TestClass]
public sealed class KnobOrderTests
{
    private const string P = "mb1ic3iw9oc4ow8kw2pw0";

    [TestMethod]
    [DataRow("--dir=BWD_D")]
    [DataRow("--dt=bf16")]
    [DataRow("--bia-dt=f32")]
    [DataRow("--mb=5")]
    [DataRow("--stag=axb")]
    [DataRow("--attr-post-ops=relu")]
    [DataRow("--op=conv")]
    [DataRow("--deconv")]
    [DataRow("--match=ic3")]
    public void AKnobAfterTheLastProblemIsNamed(string knob)
    {
        ProblemList list = ProblemFile.Expand([P, knob]);
        Assert.AreEqual(P, list.Problems.Single().ToString());
        ProblemNote note = list.Notes.Single();
        Assert.AreEqual(knob, note.Knob);
        Assert.IsTrue(note.IsWarning);
        StringAssert.Contains(note.Reason, "no problem follows");
        Assert.IsEmpty(ProblemFile.Expand([P, knob, "mb1ic3iw9oc4kw2"]).Notes.Where(n => n.IsWarning));
        Assert.AreEqual(knob, ProblemFile.Expand([knob]).Notes.Single(n => n.IsWarning).Knob);
        if (knob != "--match=ic3") StringAssert.Contains(Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse($"{P} {knob}")).Message, $"'{knob}' comes after the problem");
    }

    [TestMethod]
    public void InAFileTheLineIsNamed()
    {
        string? Text(string path) => path switch
        {
            "a" => $"{P}\n--dir=BWD_D\n--batch=b\n",
            "b" => $"{P}\n--stag=axb\n--reset\n",
            _ => null,
        };
        ProblemList list = ProblemFile.Load("a", Text);
        CollectionAssert.AreEqual(new[] { P, $"--dir=BWD_D {P}" }, list.Problems.Select(p => p.ToString()).ToArray());
        ProblemNote note = list.Notes.Single();
        Assert.AreEqual(("--stag=axb", "b", 2, true), (note.Knob, note.File, note.Line, note.IsWarning));
        StringAssert.Contains(note.Reason, "--reset");
        StringAssert.Contains(Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse($"--stag=axb --reset {P}")).Message, "'--stag=axb': --reset comes before any problem");
        Assert.AreEqual(P, ConvProblem.Parse($"--reset {P}").ToString());
    }

    [TestMethod]
    public void AResetAtTheEndIsNothingToSay() => Assert.IsEmpty(ProblemFile.Expand(["--dir=BWD_D", P, "--reset"]).Notes);

    /// <summary>benchdnn's input of 2026: a direction without a bias gets one of the type that is named.</summary>
    [TestMethod]
    public void TheBiasTypeGivesADirectionABias()
    {
        ConvProblem p = ConvProblem.Parse("--reset --allow-enum-tags-only=0 --engine=cpu --dir=FWD_D --alg=direct --dt=f32:f32:f32 --bia-dt=f32 --stag=acdb --wtag=any --dtag=acdb --attr-scratchpad=user mb2_ic64oc1_ih1oh2kh125sh2dh0ph63_iw1ow64kw1sw2dw0pw63");
        Assert.IsTrue(p.HasBias);
        Assert.AreEqual(DataType.F32, p.BiasType);
        foreach ((string knobs, bool bias) in new[]
        {
            ("--dir=FWD_D --bia-dt=f32", true), ("--dir=FWD_I --bia-dt=f32", true), ("--dir=BWD_W --bia-dt=f32", true), ("--dir=FWD_D --bia-dt=undef", false), ("--dir=FWD_D --bia-dt=", false),
            ("--dir=BWD_D --bia-dt=f32", false), ("--dir=FWD_B --bia-dt=undef", true), ("--bia-dt=f32", true), ("--dir=FWD_D --dt=bf16 --bia-dt=f32", true), ("--dir=FWD_D --dt=f64 --bia-dt=f64", true),
            ("--dir=FWD_D --dt=u8:s8:s32 --bia-dt=s32", true), ("--deconv --dir=FWD_D --bia-dt=f32", true), ("--dir=BWD_B --bia-dt=f32", true),
        })
        {
            ProblemList list = ProblemFile.Expand([.. knobs.Split(' '), "mb1ic3iw9oc4kw2"]);
            Assert.AreEqual(bias, list.Problems.Single().HasBias, knobs);
            Assert.IsEmpty(list.Notes, knobs);
        }

        CollectionAssert.AreEqual(new[] { "--dir=FWD_D " + P, P, "--dir=BWD_W " + P, "--dir=BWD_WB " + P },
            ProblemFile.Expand(["--dir=FWD_D,BWD_W", "--bia-dt=undef,f32", P]).Problems.Select(q => q.ToString()).ToArray(), "a list multiplies, inside of the types");
    }

    [TestMethod]
    [DataRow("--dir=FWD_D --dt=bf16", "bf16", "f32")]
    [DataRow("--dir=FWD_D --dt=f16", "f16", "f32")]
    [DataRow("--dir=BWD_W --dt=bf16", "bf16", "f32")]
    [DataRow("--dir=FWD_D --dt=u8:s8:u8", "f32", "s32")]
    [DataRow("--dir=FWD_D --dt=f64", "f32", "f64")]
    [DataRow("--dir=FWD_D --dt=f32", "f8_e5m2", "f32")]
    public void ABiasOfAnotherTypeIsUnsupportedByName(string knobs, string type, string own)
    {
        ProblemList list = ProblemFile.Expand([.. knobs.Split(' '), $"--bia-dt={type},undef", P]);
        StringAssert.Contains(list.Unsupported.Single().Reason, type);
        StringAssert.Contains(list.Unsupported.Single().Text, $"--bia-dt={type} ");
        Assert.HasCount(1, list.Problems);
        ProblemSyntaxException e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse($"{knobs} --bia-dt={type} {P}"));
        StringAssert.Contains(e.Message, type);
        StringAssert.Contains(e.Expected, own);
    }

    /// <summary>As benchdnn, which warns: FWD_B has a bias of its own type.</summary>
    [TestMethod]
    public void ADirectionWithABiasKeepsItsTypeAndSaysSo()
    {
        ProblemList list = ProblemFile.Expand(["--dir=FWD_B", "--dt=bf16", "--bia-dt=bf16", P, "mb1ic3iw9oc4kw2"]);
        Assert.HasCount(2, list.Problems);
        ProblemNote note = list.Notes.Single();
        Assert.AreEqual("--bia-dt=bf16", note.Knob);
        Assert.IsTrue(note.IsWarning);
        Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse($"--dt=bf16 --bia-dt=bf16 {P}"));
        Assert.ThrowsExactly<ProblemSyntaxException>(() => ProblemFile.Expand(["--bia-dt=f31", P]));
    }
}
