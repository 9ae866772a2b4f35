using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Routines that find no room on the device.</summary>
[TestClass]
public sealed class RoomTests
{
    private static readonly ConvProblem s_problem = ConvProblem.Parse("mb1ic3ih5iw6oc4kh3kw3ph1pw1");

    [TestMethod]
    [DataRow(Tuning.Rank)]
    [DataRow(Tuning.Measure)]
    public void TheNextRoutineTriesAndWhatWasBuiltGoes(Tuning tuning)
    {
        var hungry = new Hungry(1L << 50);
        using ConvPlan? plan = Create(new PlanOptions { Tuning = tuning }, hungry, new DirectRoutine()).Plan;
        Assert.AreEqual("opencl:direct", plan?.Implementation);
        Assert.IsGreaterThan(0, hungry.Built);
        Assert.AreEqual(hungry.Built, hungry.Disposed, "what a half-built plan owned was not disposed");
    }

    [TestMethod]
    public void ReasonsTellWhichRoutineHadNoRoom()
    {
        PlanResult r = Create(new PlanOptions { MaxWorkspaceBytes = 100 }, new Hungry(1L << 50), new Hungry(200));
        Assert.IsNull(r.Plan);
        Assert.Contains("a plan may hold its operands and 64 MiB", r.Reason!);
        Assert.Contains("MaxWorkspaceBytes allows 100", r.Reason!);
    }

    [TestMethod]
    public void WhereEveryRoutineWantsMoreThanAPlanMayHoldThatIsTheReason()
    {
        foreach (Tuning tuning in (Tuning[])[Tuning.Rank, Tuning.Measure])
        {
            PlanResult r = Create(new PlanOptions { Tuning = tuning }, new Hungry(1L << 50), new Hungry(1L << 51));
            Assert.IsNull(r.Plan);
            Assert.Contains("a plan may hold its operands and 64 MiB", r.Reason!);
        }
    }

    // Device objects of their own: what is measured here is remembered nowhere.
    private static PlanResult Create(PlanOptions options, params ClRoutine[] routines)
    {
        ClDevice first = OpenClDevices.First();
        string folder = Directory.CreateTempSubdirectory("convnative-tuning-").FullName;
        try
        {
            return ClRoutines.Create(s_problem, new ClDevice(first.Id, first.Properties, null, folder), options, routines);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    /// <summary>Serves everything, and wants so much workspace.</summary>
    private sealed class Hungry(long bytes) : ClRoutine
    {
        public int Built { get; private set; }

        public int Disposed { get; private set; }

        public override string Name => "hungry";

        public override string? Lacking(ClRequest request) => null;

        public override ClPlan Create(ClRequest request) => new Plan(request, this, bytes);

        private sealed class Plan : ClPlan
        {
            public Plan(ClRequest request, Hungry routine, long bytes)
                : base(request, "opencl:hungry")
            {
                Own(new Owned(routine));
                AllocateWorkspace(bytes);
            }

            public override void Enqueue(in ClTensors tensors) => throw new InvalidOperationException("never run");
        }

        private sealed class Owned : IDisposable
        {
            private readonly Hungry _routine;

            public Owned(Hungry routine)
            {
                _routine = routine;
                routine.Built++;
            }

            public void Dispose() => _routine.Disposed++;
        }
    }
}
