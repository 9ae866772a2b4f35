namespace ConvNative.Oracle.Verdicts;

/// <summary>What a comparison says.</summary>
public enum Outcome
{
    /// <summary>Every element that was checked lies within its bound.</summary>
    Pass,

    /// <summary>At least one element does not.</summary>
    Fail,

    /// <summary>Nothing failed, but too few elements could have told a wrong answer from a right one.</summary>
    Mistrusted,
}
