namespace ConvNative.Problems;

/// <summary>The snake-case names of enum values, as DESIGN's JSON and command line spell them.</summary>
public static class Names
{
    /// <summary>For example <c>backward_data</c> for <see cref="Direction.BackwardData"/>.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => Snake(value.ToString());

    /// <summary>The value that is spelled <paramref name="name"/>.</summary>
    public static bool TryParse<T>(string name, out T value)
        where T : struct, Enum
    {
        foreach (T v in Enum.GetValues<T>())
            if (Of(v) == name)
            {
                value = v;
                return true;
            }

        value = default;
        return false;
    }

    /// <summary>All names, for messages: <c>zeros, constant, ...</c>.</summary>
    public static string All<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(v => Of(v)));

    private static string Snake(string pascal)
    {
        // NotSet is one word in ONNX.
        if (pascal == nameof(AutoPad.NotSet)) return "notset";
        var b = new System.Text.StringBuilder(pascal.Length + 4);
        for (int i = 0; i < pascal.Length; i++)
        {
            char c = pascal[i];
            if (char.IsUpper(c) && i > 0 && !char.IsUpper(pascal[i - 1]) && !char.IsDigit(pascal[i - 1])) b.Append('_');
            b.Append(char.ToLowerInvariant(c));
        }

        return b.ToString();
    }
}
