using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

/// <summary>What a <see cref="FakeBackend"/> does wrong.</summary>
public enum Sabotage
{
    None,
    SwapKernelAxes,
    DropTap,
    SwapPads,
    ShiftGroups,
    ForgetBias,
    WriteAfter,
    WriteBefore,
    LeaveUnwritten,
    ChangeInput,
    ChangeWeights,
    DifferBetweenRuns,
    ThrowOnRun,
    ThrowOnCreate,
    Unsupported,
    Unavailable,
    BreakOnFullRange,
    RefuseWeights,
}

/// <summary>A naive forward correlation in f32 and channels first, of its own, with one thing wrong.</summary>
public sealed class FakeBackend(Sabotage sabotage = Sabotage.None, string name = "fake", string version = "fake 1.0") : ConvBackend
{
    public override string Name => name;

    /// <summary>Plans asked for so far.</summary>
    public int Created { get; private set; }

    public Action? OnCreate { get; init; }

    public override BackendStatus Status => sabotage == Sabotage.Unavailable
        ? new BackendStatus(false, "libfake.so: not found", ["libfake.so: absent"], "install libfake")
        : new BackendStatus(true, version, [], null);

    public override IReadOnlyList<DeviceInfo> Devices => [];

    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        Created++;
        OnCreate?.Invoke();
        if (sabotage == Sabotage.ThrowOnCreate) throw new ConvNativeException(name, "out of luck", "fake_create", "fake_bad", problem);
        if (sabotage == Sabotage.Unsupported || problem.Op != ConvOp.Correlation || problem.Direction != Direction.Forward)
            return PlanResult.Unsupported("the fake does forward correlation only");
        return PlanResult.Supported(new FakePlan(problem, name, sabotage));
    }

    private sealed unsafe class FakePlan(ConvProblem p, string backend, Sabotage sabotage) : ConvPlan(p, backend)
    {
        private readonly float[] _weights = new float[p.WeightCount];
        private readonly float[] _bias = new float[p.OutputChannels];
        private int _runs;

        public override string Implementation => "fake:naive";

        protected override void SetWeightsCore(void* weights, void* bias)
        {
            if (sabotage == Sabotage.RefuseWeights) throw new UnsupportedOperandsException(Backend, "weights: the fake takes none", Problem);
            new Span<float>(weights, _weights.Length).CopyTo(_weights);
            if (bias != null && sabotage != Sabotage.ForgetBias) new Span<float>(bias, _bias.Length).CopyTo(_bias);
            if (sabotage == Sabotage.ChangeWeights) ((float*)weights)[1] += 1;
        }

        protected override void ExecuteCore(in ConvPointers q)
        {
            if (sabotage == Sabotage.ThrowOnRun) throw new InvalidOperationException("run failed");
            float* x = (float*)q.Input, y = (float*)q.Result;
            int n = (int)Problem.OutputShape.Product;
            int last = sabotage == Sabotage.LeaveUnwritten ? n - 1 : n;
            for (int i = 0; i < last; i++) y[i] = Element(x, i);
            if (sabotage == Sabotage.WriteAfter) y[n] = 1;
            if (sabotage == Sabotage.WriteBefore) y[-3] = 1;
            if (sabotage == Sabotage.ChangeInput) x[2] = -x[2];
            if (sabotage == Sabotage.DifferBetweenRuns && _runs % 2 == 1) y[5] = MathF.BitIncrement(y[5]);
            if (sabotage == Sabotage.BreakOnFullRange && Array.Exists(_weights, w => MathF.Abs(w) is > 1e6f)) y[7] += 1 + MathF.Abs(y[7]);
            _runs++;
        }

        private float Element(float* x, int flat)
        {
            ConvProblem p = Problem;
            // Spatial axes are seen as three, of which the first may be one.
            int[] input = Three(p.InputSpatial, 1), output = Three(p.OutputSpatial, 1), kernel = Three(p.Kernel, 1);
            int[] stride = Three(p.Strides, 1), dilation = Three(p.Dilations, 1);
            int[] pad = Three(sabotage == Sabotage.SwapPads ? p.PadsEnd : p.PadsBegin, 0);
            int rest = flat;
            int ow = Take(ref rest, output[2]), oh = Take(ref rest, output[1]), od = Take(ref rest, output[0]), o = Take(ref rest, (int)p.OutputChannels), n = rest;
            int perGroup = (int)(p.InputChannels / p.Groups), group = o / (int)(p.OutputChannels / p.Groups);
            if (sabotage == Sabotage.ShiftGroups) group = (group + 1) % (int)p.Groups;
            float sum = _bias[o];
            int taps = kernel[0] * kernel[1] * kernel[2];
            for (int c = 0; c < perGroup; c++)
            {
                for (int t = 0; t < (sabotage == Sabotage.DropTap ? taps - 1 : taps); t++)
                {
                    int k = t;
                    int kw = Take(ref k, kernel[2]), kh = Take(ref k, kernel[1]), kd = k;
                    if (sabotage == Sabotage.SwapKernelAxes) (kw, kh) = (kh, kw);
                    int d = (od * stride[0]) - pad[0] + (kd * dilation[0]), h = (oh * stride[1]) - pad[1] + (kh * dilation[1]), w = (ow * stride[2]) - pad[2] + (kw * dilation[2]);
                    if (d < 0 || h < 0 || w < 0 || d >= input[0] || h >= input[1] || w >= input[2]) continue;
                    int channel = (n * (int)p.InputChannels) + (group * perGroup) + c;
                    sum += x[(((((channel * input[0]) + d) * input[1]) + h) * input[2]) + w] * _weights[(((o * perGroup) + c) * taps) + t];
                }
            }

            return sum;
        }

        private static int Take(ref int rest, int size)
        {
            (rest, int r) = Math.DivRem(rest, size);
            return r;
        }

        private static int[] Three(Dims d, int fill)
        {
            int[] v = [fill, fill, fill];
            for (int i = 0; i < d.Count; i++) v[3 - d.Count + i] = (int)d[i];
            return v;
        }
    }
}
