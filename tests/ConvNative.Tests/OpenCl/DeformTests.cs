using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Deformable convolutions in every direction against the oracle.</summary>
[TestClass]
public sealed class DeformTests
{
    [TestMethod]
    [DataRow(Direction.Forward, 40)]
    [DataRow(Direction.BackwardData, 20)]
    [DataRow(Direction.BackwardWeights, 40)]
    [DataRow(Direction.BackwardOffset, 20)]
    [DataRow(Direction.BackwardMask, 10)]
    public void EveryVariantIsRight(Direction direction, int least) =>
        OpenClChecks.Suite(p => p.Op == ConvOp.Deformable && p.Direction == direction && p.InputType is DataType.F32 or DataType.F64, least);

    /// <summary>Columns of 3 images exceed the share of memory for columns, so that they are computed one after the other.</summary>
    [TestMethod]
    [DataRow("FWD_B")]
    [DataRow("BWD_D")]
    [DataRow("BWD_WB")]
    [DataRow("BWD_O")]
    [DataRow("BWD_M")]
    public void ImagesOneAfterTheOther(string direction)
    {
        string post = direction == "FWD_B" ? " --attr-post-ops=sum:0.5+relu" : "";
        ConvProblem p = ConvProblem.Parse($"--op=deform --mask=1 --offset-groups=2 --dir={direction} --dtag=axb{post} mb3ic16ih192iw200oc2kh3kw3ph1pw1");
        using ConvPlan? plan = OpenClDevices.Engine().CreatePlan(p, PlanOptions.Default).Plan;
        Assert.IsNotNull(plan);
        Assert.Contains("columns of 1 image at a time", string.Join(' ', plan.Notes));
        OpenClChecks.All([p]);
    }
}
