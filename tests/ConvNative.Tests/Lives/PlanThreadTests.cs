using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Lives;

/// <summary>
/// Every kind of plan under 64 threads that run it, one that sets weights, and one that disposes it: the bits of one thread, with the old weights or the
/// new ones, never a mixture.
/// </summary>
[TestClass]
public sealed class PlanThreadTests
{
    private const int Turns = 4;

    public static IEnumerable<TestDataRow<(string Problem, string Backend, int Threads)>> OneDnn() =>
        from text in (string[])
        [
            "mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--stag=axb --dtag=axb mb1ic64ih14iw15oc64kh3kw3ph1pw1", "--stag=any --dtag=any mb1ic32ih14iw15oc32kh3kw3ph1pw1", "mb2ic64ih7iw7oc70kh1kw1",
            "mb1ic34ih31iw33oc34kh3kw3ph1pw1g34", "--attr-post-ops=sum+gelu_erf mb1ic40ih15iw17oc66kh3kw3ph1pw1", "--op=conv mb1ic32ih14iw15oc33kh3kw3ph1pw1",
            "--pad-mode=reflect mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--pad-mode=reflect --dir=BWD_D mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--pad-mode=circular --dir=BWD_WB mb1ic32ih14iw15oc33kh3kw3ph1pw1",
            "--dir=BWD_D mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--dir=BWD_WB mb2ic32ih14iw15oc33kh3kw3ph1pw1", "--dir=BWD_WB --op=conv mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--dir=BWD_B mb2ic32ih31iw31oc66kh1kw1",
            "--deconv mb1ic20ih9iw11oh18ow22oc36kh4kw4sh2sw2ph1pw1", "--dt=bf16 mb1ic32ih14iw15oc33kh3kw3ph1pw1", "--dt=bf16 --dir=BWD_W mb1ic32ih14iw15oc33kh3kw3ph1pw1",
            "--dt=u8:s8:u8 --quant=xs:0.037+xz:5+ws:0.011+ys:0.27+yz:9 --attr-post-ops=relu mb1ic40ih15iw17oc66kh3kw3ph1pw1",
            "--dt=u8:u8:s32 --quant=xz:5+wz:3 mb1ic20ih15iw17oc33kh3kw3ph1pw1",
            "--op=deform --mask=true --offset-groups=2 mb1ic20ih15iw17oc34kh3kw3ph1pw1", "--op=deform --mask=true --offset-groups=2 --dir=BWD_D mb1ic20ih15iw17oc34kh3kw3ph1pw1",
            "--op=deform --mask=true --offset-groups=2 --dir=BWD_WB mb1ic20ih15iw17oc34kh3kw3ph1pw1", "--op=deform --mask=true --offset-groups=2 --dir=BWD_O mb1ic20ih15iw17oc34kh3kw3ph1pw1",
            "--op=deform --mask=true --dt=bf16 mb1ic20ih15iw17oc34kh3kw3ph1pw1", "--op=deform --attr-post-ops=sum+relu mb1ic34ih15iw17oc34kh3kw3ph1pw1g34",
        ]
        from threads in (int[])[1, 2]
        select new TestDataRow<(string, string, int)>((text, "onednn", threads)) { DisplayName = $"onednn, {threads} threads: {text}" };

    public static IEnumerable<TestDataRow<(string Problem, string Backend, int Threads)>> OpenCl() =>
        from text in (string[])
        [
            "mb1ic20ih9iw11oc33kh3kw3ph1pw1", "--attr-post-ops=sum+relu mb1ic20ih9iw11oc33kh3kw3ph1pw1", "--dir=BWD_D mb1ic20ih9iw11oc33kh3kw3ph1pw1", "--dir=BWD_WB mb1ic20ih9iw11oc33kh3kw3ph1pw1",
            "--op=deform --mask=true mb1ic20ih9iw11oc34kh3kw3ph1pw1", "--dt=u8:s8:u8 --quant=xs:0.037+xz:5+ws:0.011+ys:0.27+yz:9 mb1ic20ih9iw11oc34kh3kw3ph1pw1",
        ]
        select new TestDataRow<(string, string, int)>((text, "opencl", 0)) { DisplayName = $"opencl: {text}" };

    [TestMethod]
    public void EveryManagedKind()
    {
        int i = 0;
        foreach ((string text, PlanOptions options) in PlanKindTests.Problems()) Try(text, "managed", options with { MaxThreads = i++ % 2 });
        foreach (string text in (string[])["mb1ic20ih9iw11oc33kh3kw3ph1pw1", "--dir=BWD_WB mb3ic2ih21iw23oc2kh5kw5ph2pw2"]) Try(text, "managed", PlanOptions.Default, notFinite: true);
    }

    [TestMethod]
    [DynamicData(nameof(OneDnn))]
    [DynamicData(nameof(OpenCl))]
    public void TheBitsOfOneThread(string problem, string backend, int threads)
    {
        ConvBackend engine = Backends.Engines.Find(backend)!;
        if (!engine.Status.Available) Engines.Skip(backend, engine.Status.Summary);
        Try(problem, backend, PlanOptions.Default with { MaxThreads = threads });
    }

    private static void Try(string text, string backend, PlanOptions options, bool notFinite = false)
    {
        ConvProblem p = ConvProblem.Parse(text);
        var data = new PlanData(p, notFinite);
        byte[][] alone = new byte[2][];
        PlanResult first = ConvPlan.TryCreate(p, options, backend);
        if (first.Plan is null) Assert.Inconclusive(first.Reason!);
        using (ConvPlan plan = first.Plan)
            for (int set = 0; set < 2; set++)
            {
                data.SetWeights(plan, set);
                data.Run(plan, alone[set] = data.NewResult(plan));
            }

        if (first.Plan.NeedsWeights) Assert.IsFalse(alone[0].AsSpan().SequenceEqual(alone[1]), $"the weights make no difference: {text}");
        ConvPlan shared = ConvPlan.Create(p, options, backend);
        data.SetWeights(shared, 0);
        int runs = 0, gone = 0;
        Crowd.Run(thread =>
        {
            byte[] y = data.NewResult(shared);
            try
            {
                for (int turn = 0; turn < Turns; turn++)
                {
                    Crowd.Jostle(thread, turn);
                    if (thread == 0) data.SetWeights(shared, turn & 1);
                    y.AsSpan().Fill(0xCB);
                    data.Run(shared, y);
                    Interlocked.Increment(ref runs);
                    if (!y.AsSpan().SequenceEqual(alone[0]) && !y.AsSpan().SequenceEqual(alone[1])) throw new AssertFailedException($"thread {thread}, turn {turn}: neither the result with the old weights nor that with the new: {text}");
                }
            }
            catch (ObjectDisposedException e) when (Volatile.Read(ref gone) != 0)
            {
                Assert.AreEqual(nameof(ConvPlan), e.ObjectName);
            }

            // Others are in the middle of their runs, or about to begin.
            if (thread % 16 != 5) return;
            Volatile.Write(ref gone, 1);
            shared.Dispose();
        });
        shared.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => data.Run(shared, data.NewResult(shared)));
        Assert.IsGreaterThan(0, runs);
    }
}
