using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Command lines and files: sticky knobs, nesting of the loops, includes, notes, what is unsupported, and where errors are.</summary>
[TestClass]
public sealed class ProblemListTests
{
    private const string P = "mb1ic3iw9oc4ow8kw2pw0";

    [TestMethod]
    public void LoopsNestAsBenchdnnsDo()
    {
        string[] texts = Texts("--mb=0,5", "--dir=FWD_B,BWD_D", "--dt=f32,bf16", "--stag=abx,axb", P);
        string[] expected =
        [
            .. from dir in (string[])["", "--dir=BWD_D "]
               from dt in (string[])["", "--dt=bf16 "]
               from stag in (string[])["", "--stag=axb "]
               from mb in (int[])[1, 5]
               select $"{dir}{dt}{stag}mb{mb}ic3iw9oc4ow8kw2pw0",
        ];
        CollectionAssert.AreEqual(expected, texts);
    }

    [TestMethod]
    public void KnobsStayUntilSetAgainOrReset()
    {
        string[] texts = Texts(
            "--dir=BWD_W", "--stag=axb", P, "--dir=FWD_D", P, "--stag=", P, "--reset", P, "--deconv", "--dir=FWD_D", P, "--reset", P, "--op=conv", P, "--conv", P);
        string[] expected =
        [
            $"--dir=BWD_W --stag=axb {P}", $"--dir=FWD_D --stag=axb {P}", $"--dir=FWD_D {P}", P,
            $"--deconv --dir=FWD_D {P}", $"--deconv {P}", $"--op=conv {P}", P,
        ];
        CollectionAssert.AreEqual(expected, texts);
    }

    [TestMethod]
    public void EmptyEntriesOfAListAreDefaults()
    {
        string[] texts = Texts("--attr-post-ops=,relu,sum:0.5+tanh", "--attr-scales=", P);
        CollectionAssert.AreEqual(new[] { P, $"--attr-post-ops=relu {P}", $"--attr-post-ops=sum:0.5+tanh {P}" }, texts);
    }

    [TestMethod]
    public void OwnKnobsMultiplyToo()
    {
        ProblemList list = ProblemFile.Expand(["--op=deform", "--mask=0,1", "--offset-groups=1,2", "mb1ic4ih5oc3kh2"]);
        Assert.HasCount(4, list.Problems);
        Assert.HasCount(4, list.Problems.Select(p => (p.HasMask, p.OffsetGroups)).Distinct());
        list = ProblemFile.Expand(["--pad-mode=zeros,constant:2,reflect", "--dir=FWD_B,FWD_D", "mb1ic4ih5oc3kh3ph1"]);
        Assert.HasCount(6, list.Problems.Distinct());
    }

    /// <summary>What only steers benchdnn is accepted, and said.</summary>
    [TestMethod]
    [DataRow("--skip-impl=ref,x64:gemm")]
    [DataRow("--skip-impl=\"ref:gemm\"")]
    [DataRow("--allow-enum-tags-only=0")]
    [DataRow("--mode=P")]
    [DataRow("--perf-template=%prb%,%-time%")]
    [DataRow("--engine=cpu")]
    [DataRow("--fix-times-per-prb=10")]
    [DataRow("--alg=direct,wino")]
    [DataRow("--attr-fpmath=bf16")]
    [DataRow("--cfg=f32_wino")]
    [DataRow("-v1")]
    public void DriverKnobsBecomeNotes(string knob)
    {
        ProblemList list = ProblemFile.Expand([knob, P]);
        Assert.AreEqual(knob, list.Notes.Single().Knob);
        Assert.AreEqual(P, list.Problems.Single().ToString());
        Assert.AreEqual(ConvProblem.Parse(P), ConvProblem.Parse($"{knob} {P}"));
    }

    /// <summary>What benchdnn knows and this library does not is data in a list and an error for one problem.</summary>
    [TestMethod]
    [DataRow("--dt=f32,f8_e5m2", "f8_e5m2")]
    [DataRow("--stag=any,aBx16b", "aBx16b")]
    [DataRow("--attr-post-ops=relu,mul:s8:per_oc+sum:0.25+relu:0.5", "'mul'")]
    [DataRow("--attr-post-ops=relu,relu+dw_k3s1p1+sqrt", "dw_k3s1p1")]
    [DataRow("--attr-post-ops=relu,sum:0.5:3", "zero point")]
    [DataRow("--attr-scales=,src:common:0.25+wei:per_oc", "--attr-scales=src:common:0.25+wei:per_oc")]
    [DataRow("--attr-zero-points=,src:common:2", "--attr-zero-points=src:common:2")]
    [DataRow("--cfg=f32,bf16f32bf16", "share one type")]
    public void UnsupportedCombinationsAreData(string knob, string reason)
    {
        ProblemList list = ProblemFile.Expand([knob, "--dir=FWD_B,FWD_D", P]);
        Assert.HasCount(2, list.Problems);
        Assert.HasCount(2, list.Unsupported);
        StringAssert.Contains(list.Unsupported[0].Reason, reason);
        StringAssert.Contains(list.Unsupported[0].Text, knob.Split(',')[1]);
        StringAssert.EndsWith(list.Unsupported[1].Text, P);
        Exception? e = null;
        try
        {
            ConvProblem.Parse(list.Unsupported[1].Text);
        }
        catch (Exception caught) when (caught is ProblemSyntaxException or ConvProblemException)
        {
            e = caught;
        }

        Assert.IsNotNull(e, "an unsupported problem's text must repeat the refusal");
        StringAssert.Contains(e.Message, reason);
    }

    [TestMethod]
    public void StrictReadRefusesUnsupported()
    {
        var files = new Dictionary<string, string> { ["f"] = $"--dt=f32\n{P}\n--dt=f8_e4m3\n{P}" };
        var e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ProblemFile.Read("f", files.GetValueOrDefault));
        Assert.AreEqual(("f", 4), (e.File, e.Line));
        Assert.HasCount(1, ProblemFile.Load("f", files.GetValueOrDefault).Problems);
    }

    [TestMethod]
    public void IncludesAreFoundBesideAndAbove()
    {
        var files = new Dictionary<string, string>
        {
            ["suites/conv/set"] = "--dir=FWD_D --batch=shapes --batch=deep/more\n--batch=top",
            ["suites/conv/shapes"] = P,
            ["suites/conv/deep/more"] = $"--batch=shapes --dir=BWD_D {P}",
            ["top"] = P,
        };
        ProblemList list = ProblemFile.Load("suites/conv/set", files.GetValueOrDefault);

        // Knobs of an included file stay, as benchdnn's do.
        CollectionAssert.AreEqual(
            new[] { $"--dir=FWD_D {P}", $"--dir=FWD_D {P}", $"--dir=BWD_D {P}", $"--dir=BWD_D {P}" }, list.Problems.Select(p => p.ToString()).ToArray());
        Assert.HasCount(4, ProblemFile.Expand(["--batch=set"], "suites/conv", files.GetValueOrDefault).Problems);
    }

    [TestMethod]
    public void FilesOfTheFileSystemAreFoundAboveTheIncludingOne()
    {
        string root = Directory.CreateTempSubdirectory("problems").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "a", "b"));
            File.WriteAllText(Path.Combine(root, "shapes"), $"\uFEFF{P}\r\n{P}\r\n");
            File.WriteAllText(Path.Combine(root, "a", "b", "set"), "--batch=shapes");
            Assert.HasCount(2, ProblemFile.Read(Path.Combine(root, "a", "b", "set")));
            Assert.HasCount(2, ProblemFile.Expand(["--batch=set"], Path.Combine(root, "a", "b")).Problems);
            Assert.ThrowsExactly<FileNotFoundException>(() => ProblemFile.Read(Path.Combine(root, "missing")));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [TestMethod]
    [DataRow("ic3iw9oc4kw2\nic3iw9oc4kw2 --dt=f33 ic3", 2, 19, "f32, f64")]
    [DataRow("# comment\n\n  g3ic4iw9oc6kw2", 3, 3, "keeps this rule")]
    [DataRow("--batch=nowhere", 1, 9, "a file in")]
    [DataRow("--batch=f", 1, 9, "not being read already")]
    [DataRow("--attr-post-ops=relu, \\\n   rela", 2, 4, "sum[:scale]")]
    [DataRow("ic3ih9iw9oc4kh2\\\nkv2", 2, 1, "a field")]
    public void ErrorsInFilesNameFileAndLine(string text, int line, int column, string expected)
    {
        var files = new Dictionary<string, string> { ["dir/f"] = text };
        var e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ProblemFile.Load("dir/f", files.GetValueOrDefault));
        Assert.AreEqual(("dir/f", line, column), (e.File, e.Line, e.Column), e.Message);
        StringAssert.Contains(e.Expected, expected);
        StringAssert.StartsWith(e.Message, $"dir/f:{line}:{column}: ");
    }

    [TestMethod]
    public void GeometryErrorInAFileKeepsItsCause()
    {
        var files = new Dictionary<string, string> { ["f"] = $"{P}\ng3ic4iw9oc6kw2" };
        var e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ProblemFile.Load("f", files.GetValueOrDefault));
        Assert.AreEqual("groups", ((ConvProblemException)e.InnerException!).Field);
        StringAssert.Contains(e.Message, "f:2:1: groups = 3: must divide the 4 input channels");
        StringAssert.EndsWith(e.Message, "\n  g3ic4iw9oc6kw2\n  ^");
    }

    [TestMethod]
    public void MatchFiltersByTheCanonicalStringAndCounts()
    {
        ProblemList list = ProblemFile.Expand(["--match=.*kh3[^0-9].*", "mb1ic3ih9oc4kh3", "mb1ic3ih9oc4kh2", "mb1ic3ih39oc4kh31", "--match=", "mb1ic3ih9oc4kh2"]);
        CollectionAssert.AreEqual(new[] { "mb1ic3ih9oc4oh7kh3ph0", "mb1ic3ih9oc4oh8kh2ph0" }, list.Problems.Select(p => p.ToString()).ToArray());
        Assert.AreEqual("left out 2 problems that do not match", list.Notes.Single().Reason);
    }

    /// <summary>An argument is one token, so that a shell may have taken the quotes off a name with spaces.</summary>
    [TestMethod]
    public void ArgumentsAreNotSplitAgain() =>
        Assert.AreEqual("two words", ProblemFile.Expand([$"{P}ntwo words"]).Problems.Single().Name);

    private static string[] Texts(params string[] args)
    {
        ProblemList list = ProblemFile.Expand(args);
        Assert.IsEmpty(list.Unsupported);
        return [.. list.Problems.Select(p => p.ToString())];
    }
}
