using ConvNative.Backends;
using ConvNative.Backends.OneDnn.Integers;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class EngineTypeTests
{
    private const string Shapes = """
        mb2ic19ih13iw11oc17kh3kw5ph1pw2
        g2mb2ic18ih13iw11oc14kh3kw5ph1pw2
        g16mb3ic16ih11iw13oc16kh3kw3ph1pw1
        mb2ic64ih7iw9oc48kh1kw1ph0pw0
        mb1ic5iw17oc7kw3pw1
        mb1ic5id7ih5iw6oc7kd3kh3kw3pd1ph1pw1
        mb2ic19ih13iw11oc17kh3kw3ph2pw2dh1dw1sh2
        """;

    private static string Knobs(string knobs) => $"{knobs}\n{Shapes}\n";

    [TestMethod]
    [DataRow("managed")]
    [DataRow("onednn")]
    public void IntegersAreExact(string engine) => Check(
        engine,
        MathMode.Strict,
        unsupported: OneDnnSaturates(engine) ? null : 0,
        Knobs("--dir=FWD_B --dt=u8:s8:s32,s8:s8:s8,u8:u8:u8,s8:s8:f32 --stag=abx --dtag=axb")
        + Knobs("--reset --dt=u8:s8:s32,s8:u8:s32 --quant=xz:3,xz:5+wz:3 --stag=axb")
        + Knobs("--reset --dt=u8:s8:u8,s8:u8:s8 --quant=xs:0.01+xz:3+ws:0.03+wz:2+ys:0.5+yz:5 --stag=any --dtag=any")
        + """
        --reset --dt=u8:s8:u8,u8:s8:s8,u8:s8:f32
        --attr-post-ops=relu,sum:2,sum+relu,gelu_tanh,linear:0.3,sum+relu+linear:0.5 mb2ic19ih13iw11oc17kh3kw5ph1pw2
        --dt=u8:u8:s8 --quant=xs:0.01+xz:9+ws:0.03+wz:120+ys:0.4+yz:5 mb2ic19ih13iw11oc17kh3kw5ph1pw2
        --attr-post-ops= --pad-mode=reflect,constant:3 mb2ic19ih13iw11oc17kh3kw5ph1pw2
        --pad-mode=zeros --wtag=axb --op=conv,deconv mb2ic19ih13iw11oc17kh3kw5ph1pw2
        g2mb2ic18ih13iw11oc14kh3kw5sh2sw2ph1pw2
        --op=corr,deconv --dt=u8:s8:s32,s8:s8:s8,u8:s8:f32 --quant=,xz:7 mb1ic4ih5iw7oc1kh3kw3ph1pw1
        mb1ic1ih5iw7oc2kh3kw3ph1pw1
        g3mb2ic3ih5iw7oc6kh3kw3ph1pw1
        mb1ic1iw5oc2kw3pw0
        mb1ic3iw7oc5kw3pw1
        --op=deconv
        --dt=u8:u8:s8 --quant=xs:0.01+xz:9+ws:0.03+wz:120+ys:0.4+yz:5 mb1ic4ih5iw7oc1kh3kw3ph1pw1
        --op=deconv --output-padding=1x0 g2mb2ic18ih13iw11oc14kh3kw5sh2sw2ph1pw2
        --op=corr --output-padding=0x0 --quant=xs:0.01+ws:0.03:0.02:0.01+wz:7:0:9+ys:0.5+xz:1 mb2ic19ih13iw11oc3kh3kw5ph1pw2
        """);

    [TestMethod]
    public void ScalesFusedByOneDnnStayWithinTheirBound() => Check(
        "onednn",
        MathMode.Fast,
        unsupported: OneDnnSaturates("onednn") ? null : 0,
        Knobs("--dir=FWD_B --dt=u8:s8:u8,s8:s8:s8 --quant=xs:0.01+xz:3+ws:0.03+ys:0.5+yz:4 --stag=axb --dtag=axb")
        + """
        --reset --dt=s8:s8:u8,u8:s8:f32
        --quant=xs:0.01+ws:0.03:0.02:0.01:0.04+xz:1 g2mb2ic18ih13iw11oc4kh3kw5ph1pw2
        --attr-post-ops=sum+relu+linear:0.3,linear:-2 g2mb2ic18ih13iw11oc4kh3kw5ph1pw2
        --attr-post-ops=
        mb2ic19ih13iw11oc4kh3kw5ph1pw2
        --op=deconv --quant=xs:0.01+ws:0.03:0.02:0.01:0.04 g2mb2ic18ih13iw11oc4kh3kw5ph1pw2
        """);

    [TestMethod]
    [DataRow("managed", 0)]
    [DataRow("onednn", null)]
    public void Bf16InEveryDirection(string engine, int? unsupported) => Check(
        engine,
        MathMode.Strict,
        unsupported,
        Knobs("--dir=FWD_B --dt=bf16:bf16:f32,bf16")
        + Knobs("--dir=BWD_D,BWD_WB --dt=bf16 --stag=axb --dtag=axb")
        + Knobs("--dir=BWD_D --dt=f32:bf16:bf16")
        + Knobs("--dir=BWD_W --dt=bf16:f32:bf16")
        + """
        --reset --dt=bf16 --op=deconv --dir=FWD_B,BWD_D,BWD_WB g2mb2ic18ih13iw11oc14kh3kw5sh2sw2ph1pw2
        --dir=FWD_B --attr-post-ops=sum+relu,gelu_tanh,sum:0.5,sum+relu+linear:0.3 mb2ic19ih13iw11oc17kh3kw5ph1pw2
        --op=corr mb2ic19ih13iw11oc17kh3kw5ph1pw2
        --attr-post-ops= --dir=BWD_D --pad-mode=reflect mb2ic19ih13iw11oc17kh3kw5ph1pw2
        """);

    /// <summary>What no primitive of oneDNN computes, in the types that its primitives have.</summary>
    [TestMethod]
    public void OwnCodeAroundOneDnnInEveryType() => Check(
        "onednn",
        MathMode.Strict,
        unsupported: 0,
        """
        --reset --op=deform --mask=1 --offset-groups=3 --dt=bf16,f16,bf16:bf16:f32 --dir=FWD_B,BWD_D,BWD_WB,BWD_O,BWD_M,BWD_B
        g2mb1ic12ih8iw7oc10kh2kw3sh2sw1ph1pw2dh1dw2
        --dir=FWD_B --stag=axb --dtag=axb --attr-post-ops=sum+relu
        g12mb1ic12ih8iw7oc24kh2kw3sh2sw1ph1pw2dh1dw2
        --reset --dir=BWD_B --dt=bf16,f16 --dtag=abx,axb
        mb3ic5ih7iw9oc130kh3kw2ph1pw1
        --reset --op=shuffle --dt=bf16,f16,s8,u8 --stag=abx,axb
        g3mb2ic12ih5iw7
        --dt=bf16 --attr-post-ops=sum+relu+linear:0.5
        g3mb2ic12ih5iw7
        --reset --op=im2col --dt=bf16,f16,s8,u8 --pad-mode=zeros,constant:3.3,reflect
        mb2ic5ih7iw9kh3kw2ph1pw1
        --dt=bf16,f16 --pad-mode=zeros,reflect --dir=BWD_D
        mb2ic5ih7iw9kh3kw2ph1pw1
        """);

    [TestMethod]
    public void RearrangementsOfIntegersByTheManagedEngine() => Check(
        "managed",
        MathMode.Strict,
        unsupported: 0,
        """
        --reset --op=shuffle --dt=s8,u8 --stag=abx,axb
        g3mb2ic12ih5iw7
        --dt=s8 --attr-post-ops=sum+relu,linear:0.5
        g3mb2ic12ih5iw7
        --reset --op=im2col --dt=s8,u8 --pad-mode=zeros,constant:3.3,reflect --stag=abx,axb
        mb2ic5ih7iw9kh3kw2ph1pw1
        """);

    // Where it does, the engine must say so instead.
    private static bool OneDnnSaturates(string engine) => engine == "onednn" && OneDnnIntegers.Saturates;

    private static void Check(string name, MathMode math, int? unsupported, string problems)
    {
        ConvBackend engine = Backends.Engines.Find(name) ?? throw new AssertInconclusiveException($"no engine {name}");
        if (!engine.Status.Available) Engines.Skip(name, engine.Status.Summary);
        var checker = new Checker(new PlanOptions { Math = math });
        var wrong = new List<string>();
        int passed = 0, refused = 0;
        foreach (ConvProblem p in ProblemFile.Read("types", _ => problems))
            foreach (CellResult c in checker.Check(p, [engine]))
            {
                if (c.Status == CellStatus.Pass) passed++;
                else if (c.Status == CellStatus.Unsupported && unsupported is null) refused++;
                else wrong.Add($"{c.Status} {c.Problem}: {c.Message} ({c.Implementation})");
            }

        Assert.IsEmpty(wrong, string.Join('\n', wrong));
        if (refused > 0 && passed == 0) Assert.Inconclusive("this processor has no such type");
        Assert.IsTrue(passed > 10);
    }
}
