using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Common.Threads;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>
/// What holds for every kind of plan: the same bits whoever does which part in which order, at most the threads that were asked
/// for, no allocation in a run, on any thread. Alone in the process: the pool that plans share is replaced.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class PlanKindTests
{
    // 16 threads, whatever the machine has; they sleep between runs.
    private static readonly WorkerPool s_sixteen = new(16);

    private static readonly PlanOptions s_fast = new() { Math = MathMode.Fast };
    private WorkerPool _own = null!;

    /// <summary>Large enough for several threads (50,000 multiply-adds) and several parts.</summary>
    internal static IEnumerable<(string Problem, PlanOptions Options)> Problems()
    {
        foreach (string tags in (string[])["", "--stag=axb --dtag=axb "])
        {
            foreach (string text in (string[])
            [
                "mb1ic40ih29iw31oc66kh3kw3ph1pw1", "mb1ic3ih61iw67oc33kh7kw7sh2sw2ph3pw3", "mb1ic40iw701oc33kw9", "mb1ic1iw4000oc1kw100", "mb1ic8id9ih11iw13oc12kd3kh3kw3", "mb2ic64ih15iw17oc70kh1kw1",
                "mb8ic128ih9iw11oc128kh9kw11g128", "mb1ic34ih61iw63oc34kh3kw3ph1pw1g34", "mb1ic34ih61iw63oc34kh3kw3sh2sw2ph1pw1g34", "mb1ic64ih21iw23oc64kh3kw3ph1pw1g16",
                "--pad-mode=reflect mb1ic40ih19iw21oc33kh3kw3ph1pw1",
            ])
                foreach (string direction in (string[])["FWD_B", "BWD_D", "BWD_WB"]) yield return ($"--dir={direction} {tags}{text}", new PlanOptions());
            yield return ($"--dir=BWD_WB {tags}mb3ic2ih61iw53oc2kh5kw5ph2pw2", new PlanOptions());
            yield return ($"--dir=BWD_B {tags}mb2ic2ih81iw83oc66kh1kw1", new PlanOptions());
            yield return ($"{tags}mb1ic64ih23iw29oc66kh3kw3ph1pw1", s_fast);
            yield return ($"{tags}mb1ic352ih14iw15oc352kh3kw3ph1pw1", s_fast);
            yield return ($"--deconv {tags}mb1ic40ih15iw17oh30ow34oc36kh4kw4sh2sw2ph1pw1", new PlanOptions());
            foreach (string direction in (string[])["FWD_B", "BWD_D", "BWD_W", "BWD_O", "BWD_M"])
                yield return ($"--op=deform --mask=true --offset-groups=2 --dir={direction} {tags}mb1ic40ih15iw17oc34kh3kw3ph1pw1", new PlanOptions());
            yield return ($"--dt=bf16 {tags}mb1ic40ih29iw31oc66kh3kw3ph1pw1", new PlanOptions());
            yield return ($"--dt=f16 --dir=BWD_W {tags}mb1ic40ih29iw31oc66kh3kw3ph1pw1", new PlanOptions());
            yield return ($"--dt=f64 {tags}mb1ic40ih29iw31oc66kh3kw3ph1pw1", new PlanOptions());
            yield return ($"--dt=u8:s8:u8 --quant=xs:0.037+xz:5+ws:0.011+ys:0.27+yz:9 --attr-post-ops=relu {tags}mb1ic40ih29iw31oc66kh3kw3ph1pw1", new PlanOptions());
            yield return ($"--dt=u8:s8:s32 {tags}mb1ic34ih61iw63oc34kh3kw3ph1pw1g34", new PlanOptions());
            yield return ($"--attr-post-ops=sum+gelu_erf {tags}mb1ic40ih29iw31oc66kh3kw3ph1pw1", new PlanOptions());
        }

        yield return ("--dir=BWD_WB mb2ic32ih40iw41oc32kh3kw3ph1pw1g8", new PlanOptions());
        foreach (ConvSpec s in (ConvSpec[])
        [
            new() { Op = ConvOp.ChannelShuffle, InputShape = [2, 36, 31, 33], Groups = 4 },
            new() { Op = ConvOp.Im2col, InputShape = [2, 9, 31, 33], Kernel = [3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1] },
            new() { Op = ConvOp.Col2im, InputShape = [2, 81, 1023], Kernel = [3, 3], ImageShape = [31, 33], PadsBegin = [1, 1], PadsEnd = [1, 1] },
        ]) yield return (new ConvProblem(s).ToString(), new PlanOptions());
    }

    [TestInitialize]
    public void Keep() => _own = WorkerPool.Shared;

    [TestCleanup]
    public void Restore() => WorkerPool.Shared = _own;

    [TestMethod]
    public void ThreadsChangeNoBitAndRunsAllocateNothing()
    {
        var kinds = new HashSet<string>();
        foreach ((string text, PlanOptions options) in Problems())
        {
            WorkerPool.Shared = _own;
            ConvProblem p = ConvProblem.Parse(text);
            var data = new PlanData(p);
            byte[] one = Run(data, options with { MaxThreads = 1 }, out string implementation);
            kinds.Add(implementation.Split(':')[1].Split('+')[0]);
            Assert.IsTrue(one.AsSpan().IndexOfAnyExcept((byte)0) >= 0, $"nothing but zeros: {text}");
            foreach (int threads in (int[])[3, 16])
            {
                var scattered = new ScatteredPool();
                WorkerPool.Shared = scattered;
                Assert.IsTrue(Run(data, options with { MaxThreads = threads }, out _).AsSpan().SequenceEqual(one), $"{implementation}, {threads} threads in another order: {text}");
                Assert.IsGreaterThan(1, scattered.Most, $"{implementation}: one thread: {text}");
                Assert.IsLessThanOrEqualTo(threads, scattered.Most, $"{implementation}: more threads than asked for: {text}");
            }

            WorkerPool.Shared = s_sixteen;
            Assert.IsTrue(Run(data, options with { MaxThreads = 16 }, out _).AsSpan().SequenceEqual(one), $"{implementation}, 16 threads: {text}");

            // Parts of all threads are done on this one, whose allocations are counted.
            WorkerPool.Shared = new ScatteredPool();
            Assert.AreEqual(0, Allocated(data, options with { MaxThreads = 3 }), $"{implementation}: {text}");
        }

        // Narrower vectors choose among fewer kinds.
        if (InstructionSet.VectorBits < 512) Assert.Inconclusive($"{InstructionSet.Name}: bits and allocations are right; that every kind is reached is a question for AVX-512");
        foreach (string kind in Table()) Assert.Contains(kind, kinds, $"a kind of the folder's README that no problem here reaches; reached: {string.Join(' ', kinds)}");
    }

    private static byte[] Run(PlanData data, PlanOptions options, out string implementation)
    {
        using ConvPlan plan = ManagedRun.Plan(data.Problem, options);
        implementation = plan.Implementation;
        Assert.IsLessThanOrEqualTo(options.MaxThreads, plan.Threads);
        data.SetWeights(plan, 0);
        byte[] result = data.NewResult(plan);
        data.Run(plan, result);
        return result;
    }

    private static long Allocated(PlanData data, PlanOptions options)
    {
        using ConvPlan plan = ManagedRun.Plan(data.Problem, options);
        data.SetWeights(plan, 0);
        byte[] result = data.NewResult(plan);
        data.Run(plan, result);
        long least = long.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            data.Run(plan, result);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    /// <summary>The kinds in the table of the engine's README; what serves no problem as a whole has no entry of its own in a plan's name.</summary>
    private static IEnumerable<string> Table([CallerFilePath] string here = "")
    {
        string readme = Path.Combine(Path.GetDirectoryName(here)!, "../../../src/ConvApi/Backends/Managed/README.md");
        if (!File.Exists(readme)) Assert.Inconclusive("the sources are not beside the tests");
        string[] names =
        [
            .. File.ReadLines(readme).SkipWhile(l => !l.StartsWith("| name |", StringComparison.Ordinal)).Skip(2).TakeWhile(l => l.StartsWith('|'))
                .SelectMany(l => Regex.Matches(l.Split('|')[1], "`([a-z0-9_-]+)`").Select(m => m.Groups[1].Value)).Distinct().Where(n => n is not ("gather" or "scatter")),
        ];
        Assert.IsGreaterThan(10, names.Length);
        return names;
    }

    /// <summary>As many threads as are asked for, all of them this one: parts come one at a time, out of order, each from the next worker.</summary>
    private sealed class ScatteredPool() : WorkerPool(64)
    {
        public int Most { get; private set; }

        public override void Run(IParallelWork work, long parts, int threads)
        {
            if (parts <= 0) return;
            Most = Math.Max(Most, threads);
            long step = 7;
            while (Common(parts, step) != 1) step++;
            for (long i = 0, part = parts / 2; i < parts; i++, part = (part + step) % parts) work.DoParts(part, part + 1, (int)(i % threads));
        }

        private static long Common(long a, long b) => b == 0 ? a : Common(b, a % b);
    }
}
