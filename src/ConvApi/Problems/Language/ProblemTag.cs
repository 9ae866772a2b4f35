namespace ConvNative.Problems.Language;

/// <summary>A memory tag; one that names its axes fits one rank only (0 = any rank).</summary>
internal readonly record struct ProblemTag(Layout Layout, int Rank = 0)
{
    private static readonly string[] First = ["ncw", "nchw", "ncdhw"], Last = ["nwc", "nhwc", "ndhwc"];
    private static readonly string[] FirstLetters = ["abc", "abcd", "abcde"], LastLetters = ["acb", "acdb", "acdeb"];
    private static readonly string[] WeightFirst = ["oiw", "oihw", "oidhw"], WeightLast = ["owi", "ohwi", "odhwi"];

    public static ProblemTag? Activation(string tag) => General(tag) ?? Find(tag, Layout.ChannelsFirst, First, FirstLetters) ?? Find(tag, Layout.ChannelsLast, Last, LastLetters);

    /// <summary>The same for weights; a leading g (groups) does not change the order of the elements.</summary>
    public static ProblemTag? Weights(string tag)
    {
        string t = tag.StartsWith('g') ? tag[1..] : tag;
        return General(tag) ?? Find(t, Layout.ChannelsFirst, WeightFirst, tag == t ? FirstLetters : []) ?? Find(t, Layout.ChannelsLast, WeightLast, tag == t ? LastLetters : []);
    }

    private static ProblemTag? General(string tag) => tag switch
    {
        "abx" => new ProblemTag(Layout.ChannelsFirst),
        "axb" => new ProblemTag(Layout.ChannelsLast),
        "any" => new ProblemTag(Layout.Any),
        _ => null,
    };

    private static ProblemTag? Find(string tag, Layout layout, params ReadOnlySpan<string[]> lists)
    {
        foreach (string[] list in lists)
            if (Array.IndexOf(list, tag) is >= 0 and var i) return new ProblemTag(layout, i + 1);
        return null;
    }
}
