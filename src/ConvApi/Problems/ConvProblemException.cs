namespace ConvNative.Problems;

/// <summary>A problem that cannot exist: names the field, its value, and the rule that it breaks.</summary>
public sealed class ConvProblemException : ArgumentException
{
    /// <summary>Makes the message "field = value: rule".</summary>
    public ConvProblemException(string field, string value, string rule)
        : base($"{field} = {value}: {rule}")
    {
        Field = field;
        Value = value;
        Rule = rule;
    }

    /// <summary>The field, by its DESIGN name (for example <c>pads_begin</c>).</summary>
    public string Field { get; }

    /// <summary>The offending value as text.</summary>
    public string Value { get; }

    /// <summary>The rule that is broken.</summary>
    public string Rule { get; }
}
