using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Dense;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// A plan whose kernels multiply weights with the zeros of padding. That is only right for finite weights, so with others it hands
/// over to the general kernel, which leaves padding taps out.
/// </summary>
internal abstract unsafe class FinitePlan<T> : ManagedPlan
    where T : unmanaged, INumber<T>
{
    private readonly PlanOptions _options;
    private GatherPlan<T>? _exact;

    protected FinitePlan(View view, PlanOptions options, string name)
        : base(view.Problem, options, $"managed:{name}:{InstructionSet.Name}", view.Problem.MultiplyAdds)
    {
        (View, _options) = (view, options);
        Post = new PostOpRunner<T>(Problem.PostOps);
        PadValue = view.IsDown ? T.CreateTruncating(Problem.PadValue) : T.Zero;
    }

    public sealed override IReadOnlyList<string> Notes =>
        [.. Steps, .. _exact is null ? Array.Empty<string>() : ["weights are not finite: the general kernel leaves padding taps out one by one"]];

    protected View View { get; }

    /// <summary>The weights are not finite: the general kernel computes.</summary>
    protected bool NeedsExact => _exact is not null;

    protected PostOpRunner<T> Post { get; }

    /// <summary>What stands in the padding.</summary>
    protected T PadValue { get; }

    /// <summary>True when some tap reads padding.</summary>
    protected abstract bool ReadsPadding { get; }

    protected abstract IEnumerable<string> Steps { get; }

    protected T* Source => (T*)(Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient);

    protected sealed override void SetWeightsCore(void* weights, void* bias)
    {
        _exact?.Dispose();
        _exact = null;
        bool zeros = Problem.PaddingMode == PaddingMode.Zeros || !View.IsDown;
        if (ReadsPadding && zeros && !AreFinite(weights))
        {
            _exact = new GatherPlan<T>(View, _options, Implementation);
            _exact.Set(weights, bias);
            return;
        }

        PackWeights((T*)weights, Problem.Direction == Direction.Forward ? (T*)bias : null);
    }

    protected override void Renew()
    {
        base.Renew();
        if (_exact is not null) _exact = Another(_exact);
    }

    protected sealed override void Execute()
    {
        if (_exact is null) ExecuteFinite();
        else _exact.Run(Now);
    }

    protected abstract void PackWeights(T* weights, T* bias);

    protected abstract void ExecuteFinite();

    /// <summary>The caller's weight from source channel c to destination channel o, both within <paramref name="group"/>.</summary>
    protected long WeightAt(in Strides5 s, int group, int o, int c, int kd, int kh, int kw)
    {
        int outputs = (View.IsDown ? View.SmallChannels : View.BigChannels) / View.Groups, inputs = (View.IsDown ? View.BigChannels : View.SmallChannels) / View.Groups;
        return View.IsDown
            ? View.WeightOffset(s, (group * outputs) + o, c, kd, kh, kw)
            : View.WeightOffset(s, (group * inputs) + c, o, kd, kh, kw);
    }

    /// <summary>Residual and activation on <paramref name="count"/> results side by side at element <paramref name="at"/>.</summary>
    protected void Finish(long at, int count)
    {
        if (Post.IsNone) return;
        var r = (T*)Now.Residual;
        Post.Apply((T*)Now.Result + at, r == null ? null : r + at, count);
    }

    protected override void Dispose(bool disposing)
    {
        _exact?.Dispose();
        base.Dispose(disposing);
    }

    // What T is, not what the problem says: pairs of 8-bit numbers lie in words of four bytes.
    private bool AreFinite(void* weights) =>
        (typeof(T) != typeof(float) && typeof(T) != typeof(double)) || Elements.FirstNotFinite(weights, Problem.WeightCount, typeof(T) == typeof(float) ? DataType.F32 : DataType.F64) < 0;
}
