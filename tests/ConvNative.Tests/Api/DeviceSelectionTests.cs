using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Api;

/// <summary>How <c>opencl:0</c> and <c>opencl:NAME</c> select a device, with an engine of our own that has three.</summary>
[TestClass]
public sealed class DeviceSelectionTests
{
    private static readonly ThreeDevices s_engine = new();

    [TestMethod]
    [DataRow(null, "three:1", DisplayName = "none named: the first usable")]
    [DataRow("three:2", "three:2")]
    [DataRow("2", "three:2")]
    [DataRow("0", "three:0")]
    [DataRow("gamma", "three:2")]
    [DataRow("3", null)]
    public void ADeviceIsFoundByNumberOrName(string? selector, string? id) => Assert.AreEqual(id, s_engine.FindDevice(selector)?.Id);

    [TestMethod]
    public void AnEngineHeldToADeviceAsksForIt()
    {
        ConvBackend held = Backends.Engines.Find("three:Gamma", [s_engine])!;
        Assert.AreEqual("three:Gamma", held.Name);
        Assert.AreEqual("Gamma 900; three of them", held.Status.Summary);
        Assert.AreEqual("asked for Gamma", held.CreatePlan(Problem(), PlanOptions.Default).Reason);
    }

    [TestMethod]
    public void ARejectedOrAbsentDeviceIsUnavailableWithItsReason()
    {
        BackendStatus rejected = s_engine.On("0").Status, absent = s_engine.On("7").Status;
        Assert.IsFalse(rejected.Available || absent.Available);
        Assert.AreEqual("three:0 (Alpha) is rejected: no compiler", rejected.Summary);
        StringAssert.StartsWith(absent.Summary, "three:7 is not here; three has three:0 (Alpha), three:1 (Beta)");
    }

    [TestMethod]
    [DataRow("three:")]
    [DataRow("four:0")]
    public void ANameThatIsNoneIsNull(string name) => Assert.IsNull(Backends.Engines.Find(name, [s_engine]));

    [TestMethod]
    public void WithoutANameEachUsableDeviceIsAColumn() =>
        CollectionAssert.AreEqual(new[] { "three:1", "three:2" }, BackendSelection.Of([], [s_engine]).Backends.Select(b => b.Name).ToArray());

    [TestMethod]
    public async Task APlanInHostMemorySaysThatItHasNoDevice()
    {
        using ConvPlan plan = ConvPlan.Create(Problem(), backend: "managed");
        Assert.IsNull(plan.Device);
        plan.SetWeights(new float[plan.WeightBytes / 4], new float[plan.BiasBytes / 4]);
        await Assert.ThrowsExactlyAsync<ArgumentException>(async () => await plan.ExecuteAsync(new DeviceArguments(), CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false);
        Assert.ThrowsExactly<NotSupportedException>(() => Backends.Engines.Find("managed")!.OpenDevice());
    }

    private static ConvProblem Problem() => ConvProblem.Parse("mb1ic3ih7iw6oc5kh3kw2");

    private sealed class ThreeDevices : ConvBackend
    {
        private static readonly Dictionary<string, string> s_none = [];

        public override string Name => "three";

        public override BackendStatus Status { get; } = new(true, "three of them", [], null);

        public override IReadOnlyList<DeviceInfo> Devices { get; } =
            [new("three:0", "Alpha", s_none, "no compiler"), new("three:1", "Beta", s_none), new("three:2", "Gamma 900", s_none)];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => PlanResult.Unsupported($"asked for {options.Device}");
    }
}
