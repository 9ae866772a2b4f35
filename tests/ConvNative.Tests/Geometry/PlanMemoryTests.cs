using ConvNative.Backends;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Managed;
using ConvNative.Backends.OneDnn;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Tests.OpenCl;

namespace ConvNative.Tests.Geometry;

/// <summary>Whatever the geometry: a plan holds its operands and 64 MiB, the result is right or refused with a reason, and no arithmetic exception comes out.</summary>
[TestClass]
[DoNotParallelize]
public sealed class PlanMemoryTests
{
    private const string Managed = "managed", OneDnn = "onednn", OpenCl = "opencl";

    private static readonly string[] s_long =
    [
        "mb1ic1iw480000oc1kw2048pw0", "mb1ic1iw480000oc1kw8192pw0", "mb1ic1iw96000oc1kw48000pw47999", "mb1ic1iw192000oc1kw96000pw0", "mb1ic1iw96000oc24kw4800pw0",
        "--dir=BWD_D mb1ic1iw96000oc1kw48000pw47999", "--dir=BWD_W mb1ic1iw96000oc1kw48000pw0", "--dir=BWD_WB mb1ic2iw96000oc3kw9600pw5", "--deconv mb1ic1iw48000oc1kw9600sw3",
        "--op=conv --pad-mode=reflect mb1ic2iw96000oc2kw9600pw4000", "--stag=axb --dtag=axb mb1ic64iw48000oc64kw4800g64", "--dt=bf16 mb1ic1iw96000oc1kw48000pw0",
        "--dt=u8:s8:s32 mb1ic1iw96000oc1kw4800pw0",
    ];

    private static readonly string[] s_strided =
    [
        "ic3ih4oc2kh3sh10000", "ic3ih4oc2kh3sh30000", "ic3ih4oc2kh3sh1000000", "--dir=BWD_D ic3ih4oc2kh3sh30000", "--dir=BWD_WB ic3ih4oc2kh3sh1000000",
        "--deconv mb1ic3ih2iw3oc2oh30004ow3kh4kw1sh30000sw1ph0pw0", "--stag=axb --dtag=axb g32ic32ih4oc32kh3sh30000", "ic3id4oc2kd3sd30000",
    ];

    private static readonly string[] s_padded =
    [
        "mb1ic1iw2oc1ow1kw1pw1", "--dir=FWD_D mb1ic3iw4oc2ow1kw2pw3", "--dir=BWD_D mb1ic3iw4oc2ow1kw2pw2", "--dir=BWD_W mb1ic3iw4oc2ow1kw2pw2", "--dir=BWD_WB mb2ic3iw5oc2ow2kw2pw7",
        "mb1ic3ih4iw5oc2oh2ow3kh2kw3ph9pw1", "--attr-post-ops=sum+relu mb1ic3iw4oc2ow2kw2pw30dw3", "--dt=bf16 mb1ic3iw4oc2ow1kw2pw3", "--stag=axb --dtag=axb mb1ic32ih4oc32oh2kh3ph20",
        "--op=conv mb1ic3iw4oc2ow1kw2pw3", "--dt=u8:s8:s32 mb1ic3iw4oc2ow1kw2pw3",
    ];

    [TestMethod]
    [DataRow(Managed, 240)]
    [DataRow(OneDnn, 80)]
    [DataRow(OpenCl, 6)]
    public void AnyGeometryIsRightOrRefusedAndSmall(string name, int count)
    {
        ConvBackend engine = Engine(name);
        var checker = new Checker();
        int passed = 0;
        var wrong = new List<string>();
        for (int seed = 0; seed < count; seed++)
        {
            ConvProblem p = ExtremeProblems.Of(seed);
            if (Bytes(engine, p) is var (bytes, most) && bytes > most) wrong.Add($"seed {seed}: {bytes} bytes, {most} allowed: {p}");
            CellResult cell = checker.Check(p, [engine]).Single();
            if (cell.Status is CellStatus.Pass or CellStatus.Mistrusted) passed++;
            else if (cell.Status != CellStatus.Unsupported || string.IsNullOrEmpty(cell.Message)) wrong.Add($"seed {seed}: {cell.Status} {cell.Implementation} {cell.Message}: {p}");
        }

        Assert.IsEmpty(wrong, $"{wrong.Count} of {count}:\n{string.Join('\n', wrong.Take(20))}");
        Assert.IsGreaterThan(count / 4, passed);
    }

    [TestMethod]
    [DataRow(Managed)]
    [DataRow(OneDnn)]
    [DataRow(OpenCl)]
    public void LongKernelsHoldTheirOperandsAndLittleMore(string name)
    {
        ConvBackend engine = Engine(name);
        foreach (string text in s_long)
        {
            (long bytes, long most) = Bytes(engine, ConvProblem.Parse(text));
            Assert.IsLessThanOrEqualTo(most, bytes, text);
        }
    }

    [TestMethod]
    [DataRow(Managed)]
    [DataRow(OneDnn)]
    [DataRow(OpenCl)]
    public void HugeStridesAndWindowsInThePaddingAreComputed(string name)
    {
        ConvBackend engine = Engine(name);
        foreach (string text in (string[])[.. s_strided, .. s_padded])
        {
            ConvProblem p = ConvProblem.Parse(text);
            (long bytes, long most) = Bytes(engine, p);
            Assert.IsLessThanOrEqualTo(most, bytes, text);
            CellResult cell = new Checker().Check(p, [engine]).Single();

            // Nothing but zeros is right where no window reads the input.
            bool lacks = name == OneDnn && (p.InputType.IsInteger() || (p.InputType == DataType.BF16 && cell.Message!.Contains("on this processor", StringComparison.Ordinal)));
            Assert.IsTrue(cell.Status is CellStatus.Pass or CellStatus.Mistrusted || (cell.Status == CellStatus.Unsupported && lacks), $"{cell.Status} {cell.Implementation} {cell.Message}: {text}");
        }
    }

    [TestMethod]
    [DataRow("--dt=f64 --dtag=axb mb2ic3iw6oc1ow1kw2sw1000000pw0dw2")]
    [DataRow("mb1ic1iw6oc1ow3kw2sw1000000pw999999")]
    public void AStrideBeyondTheInputTakesNoColumns(string text)
    {
        ConvProblem p = ConvProblem.Parse(text);
        (long bytes, long most) = Bytes(new ManagedBackend(), p);
        Assert.IsLessThanOrEqualTo(most, bytes);
        CellResult cell = new Checker().Check(p, [new ManagedBackend()]).Single();
        Assert.IsTrue(cell.Status is CellStatus.Pass or CellStatus.Mistrusted, $"{cell.Status} {cell.Implementation} {cell.Message}");
    }

    [TestMethod]
    public void AReasonNamesTheMemory()
    {
        using var budget = new MemoryBudget(1000);
        MemoryBudgetException e = Assert.ThrowsExactly<MemoryBudgetException>(() => new AlignedBuffer(2000));
        Assert.Contains("needs 2000 bytes", e.Message);
    }

    [TestMethod]
    public void AStrideNear2To31DoesNotReachADriver()
    {
        Assert.IsTrue(new ClGeometry(Strided(1 << 20)).Fits);
        Assert.IsFalse(new ClGeometry(Strided(1 << 30)).Fits);

        static ConvProblem Strided(long stride) => new(new ConvSpec { InputShape = [1, 1, 4], WeightShape = [1, 1, 3], Strides = [stride] });
    }

    /// <summary>What making a plan allocates, in all and whatever is left of it, and what it may.</summary>
    private static (long Bytes, long Most) Bytes(ConvBackend engine, ConvProblem p)
    {
        long managed = GC.GetAllocatedBytesForCurrentThread(), native = AlignedBuffer.LiveBytes;
        PlanResult r = engine.CreatePlan(p, PlanOptions.Default);
        managed = GC.GetAllocatedBytesForCurrentThread() - managed;
        native = AlignedBuffer.LiveBytes - native;
        if (r.Plan is null) Assert.IsFalse(string.IsNullOrEmpty(r.Reason), p.ToString());
        long workspace = r.Plan is { Backend: OpenCl } ? r.Plan.WorkspaceBytes + r.Plan.WeightBytes : 0;
        r.Plan?.Dispose();
        return (managed + native + workspace, MemoryBudget.Of(p));
    }

    private static ConvBackend Engine(string name)
    {
        if (name == Managed) return new ManagedBackend();
        if (name == OpenCl) return OpenClDevices.Engine();
        OneDnnRun.Require();
        return new OneDnnBackend();
    }
}
