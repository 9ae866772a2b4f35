using System.Globalization;

namespace ConvNative.Problems.Rules;

/// <summary>Which parameters a post-op has, and what they may be.</summary>
internal static class PostOpRules
{
    public static void Check(PostOps ops)
    {
        if (ops.Residual && !double.IsFinite(ops.ResidualScale)) throw Bad("residual_scale", ops.ResidualScale, "must be a finite number");
        if (ops.OutputScale is { } scale && !double.IsFinite(scale)) throw Bad("output_scale", scale, "must be a finite number");
        Check(ops.Activation);
    }

    public static void Check(Activation a)
    {
        DefinedValue.Check("activation", a.Kind);
        (bool alpha, bool beta) = Parameters(a.Kind);
        if (a.Kind == ActivationKind.Clip)
        {
            if (double.IsNaN(a.Alpha) || double.IsNaN(a.Beta)) throw Bad("activation", double.IsNaN(a.Alpha) ? a.Alpha : a.Beta, "clip needs both limits, alpha and beta, as Activation.Clip(low, high) gives them");
            if (a.Alpha > a.Beta) throw Bad("activation", a.Alpha, FormattableString.Invariant($"clip's lower limit must not be above its upper limit {a.Beta}"));
            return;
        }

        if (alpha && !double.IsFinite(a.Alpha)) throw Bad("activation", a.Alpha, $"{Names.Of(a.Kind)} needs a finite alpha");
        if (beta && !double.IsFinite(a.Beta)) throw Bad("activation", a.Beta, $"{Names.Of(a.Kind)} needs a finite beta");
    }

    /// <summary>For the backward directions.</summary>
    public static void CheckNone(PostOps ops)
    {
        const string Rule = "post-ops belong to the forward direction";
        if (ops.Activation.Kind != ActivationKind.None) throw new ConvProblemException("activation", Names.Of(ops.Activation.Kind), Rule);
        if (ops.Residual) throw new ConvProblemException("residual", "given", Rule);
        if (ops.OutputScale is { } scale && scale != 1) throw Bad("output_scale", scale, Rule);
    }

    /// <summary>Without the numbers that nothing reads, so that equal meaning is equal value.</summary>
    public static PostOps Canonical(PostOps ops)
    {
        Activation a = ops.Activation;
        (bool alpha, bool beta) = Parameters(a.Kind);
        a = a is { Kind: ActivationKind.LeakyRelu, Alpha: 0 } ? Activation.Relu : new Activation(a.Kind, alpha ? a.Alpha : 0, beta ? a.Beta : 0);
        return new PostOps(ops.Residual, ops.Residual ? ops.ResidualScale : 0, a, ops.OutputScale == 1 ? null : ops.OutputScale);
    }

    private static (bool Alpha, bool Beta) Parameters(ActivationKind kind) => kind switch
    {
        ActivationKind.LeakyRelu or ActivationKind.Silu => (true, false),
        ActivationKind.Clip or ActivationKind.HardSwish => (true, true),
        _ => (false, false),
    };

    private static ConvProblemException Bad(string field, double value, string rule) => new(field, value.ToString(CultureInfo.InvariantCulture), rule);
}
