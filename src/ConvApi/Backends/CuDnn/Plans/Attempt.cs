using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>One way to give a problem to cuDNN; the next is tried where no engine takes it.</summary>
/// <param name="Fused">What follows the sum is part of the graph.</param>
/// <param name="PadCopy">Padding by a copy instead of by the engine.</param>
/// <param name="ChannelsLast">Copies in the layout that most engines have kernels for.</param>
/// <param name="Wide">Copies in a wider type, or null: slower, but every engine has it.</param>
internal sealed record Attempt(bool Fused, bool PadCopy, bool ChannelsLast, DataType? Wide)
{
    /// <summary>What is copied, for the plan's notes; empty where nothing is.</summary>
    public string Purpose => string.Join(
        ", ",
        new[] { PadCopy ? "explicit padding" : "", ChannelsLast ? "channels last" : "", Wide is { } t ? $"in {t.Name()}" : "" }.Where(s => s.Length > 0));

    public override string ToString() => $"{(Fused ? "fused" : "separate steps")}{(Purpose.Length > 0 ? ", copies: " + Purpose : "")}";

    /// <summary>All ways for a problem, best first.</summary>
    public static IEnumerable<Attempt> For(ConvProblem p, bool canFuse, bool isAsymmetric)
    {
        bool last = p.InputLayout == Layout.ChannelsLast && p.OutputLayout == Layout.ChannelsLast && p.WeightLayout == Layout.ChannelsLast;
        if (canFuse) yield return new Attempt(true, false, false, null);
        yield return new Attempt(false, false, false, null);
        if (canFuse && isAsymmetric) yield return new Attempt(true, true, false, null);
        if (isAsymmetric) yield return new Attempt(false, true, false, null);
        if (!last)
        {
            yield return new Attempt(false, false, true, null);
            if (isAsymmetric) yield return new Attempt(false, true, true, null);
        }

        // A wide gradient of 16-bit tensors, too.
        if (p.InputType is DataType.F16 or DataType.BF16 || p.WeightType is DataType.F16 or DataType.BF16)
        {
            yield return new Attempt(false, false, false, DataType.F32);
            if (isAsymmetric) yield return new Attempt(false, true, false, DataType.F32);
        }
    }
}
