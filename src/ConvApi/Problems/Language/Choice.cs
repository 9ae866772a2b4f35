namespace ConvNative.Problems.Language;

/// <summary>
/// One value of a knob, and what was written. <paramref name="Refusal"/> is set where benchdnn knows the value and this library
/// cannot express it: an error for one problem, data for a list of them.
/// </summary>
internal readonly record struct Choice<T>(T Value, TokenPart? Written = null, ProblemSyntaxException? Refusal = null);
