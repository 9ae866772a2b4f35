namespace ConvNative.Backends.Choices;

/// <summary>An engine, and where it has several ways to compute a problem, which of them: <c>managed</c>, <c>onednn inference/any</c>.</summary>
internal readonly record struct EngineChoice(string Engine, string? Candidate = null)
{
    /// <summary>The inverse of <see cref="ToString"/>.</summary>
    public static EngineChoice Parse(string text)
    {
        int space = text.IndexOf(' ');
        return space < 0 ? new EngineChoice(text) : new EngineChoice(text[..space], text[(space + 1)..]);
    }

    /// <inheritdoc/>
    public override string ToString() => Candidate is null ? Engine : $"{Engine} {Candidate}";
}
