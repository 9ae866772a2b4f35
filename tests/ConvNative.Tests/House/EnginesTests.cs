namespace ConvNative.Tests;

[TestClass]
public sealed class EnginesTests
{
    [TestMethod]
    [DataRow("onednn", "onednn", true)]
    [DataRow("onednn", "cudnn, OneDNN", true)]
    [DataRow("onednn", "cudnn", false)]
    [DataRow("dnn", "onednn", false)]
    [DataRow("onednn", "", false)]
    [DataRow("onednn", null, false)]
    public void Required_engines_are_those_that_the_variable_lists(string engine, string? list, bool required) =>
        Assert.AreEqual(required, Engines.IsRequired(engine, list));

    [TestMethod]
    public void A_missing_engine_that_nobody_requires_is_inconclusive() =>
        Assert.ThrowsExactly<AssertInconclusiveException>(() => Engines.Skip("an-engine-that-no-machine-requires", "not here"));
}
