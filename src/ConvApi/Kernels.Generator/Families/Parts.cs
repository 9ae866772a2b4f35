namespace ConvNative.Kernels.Generator.Families;

/// <summary>What the families' templates share.</summary>
internal static class Parts
{
    public const string MicroPointer = "delegate*<MicroArguments*, void>";
    public const string GradientPointer = "delegate*<GradientArguments*, void>";
    public const string Attribute = "[MethodImpl(MethodImplOptions.AggressiveOptimization)]";

    /// <summary>Text with blocks in it.</summary>
    public static string Fill(Template template) => template.ToString();

    /// <summary>Methods with an empty line between them.</summary>
    public static string Methods(IEnumerable<string> methods) => string.Join("\n\n", methods);

    /// <summary>Rows by threes: one pointer for each third row, the others by adding one or two steps.</summary>
    public static string At(int row) => (row % 3) switch { 0 => $"a{row}", 1 => $"a{row - 1} + step", _ => $"a{row - 2} + (2 * step)" };

    /// <summary>Declares the pointers of <see cref="At"/>, the first one excepted.</summary>
    public static string Pointers(Sizes rows) =>
        Code.Lines(Enumerable.Range(1, rows.Most - 1).Where(r => r % 3 == 0).Select(r => Once("byte*", $"a{r}", rows.Has(r), $"a{r - 3} + (3 * step)", "a0")));

    /// <summary>Moves these pointers.</summary>
    public static string Advance(Sizes rows, string by) => Code.Guarded(Enumerable.Range(0, rows.Most).Where(r => r % 3 == 0).Select(r => (rows.Has(r), $"a{r} += {by};")));

    /// <summary>A local variable for each, with a value that none is left without; compilers drop it where another follows.</summary>
    public static string Declare(string type, string value, IEnumerable<string> names) =>
        Code.Lines(names.Chunk(10).Select(chunk => $"{type} {string.Join(", ", chunk.Select(n => $"{n} = {value}"))};"));

    /// <summary>A local variable that is set once, which lets compilers spill it once: with a value where it is there, with another variable's where not.</summary>
    public static string Once(string type, string name, string condition, string value, string otherwise) =>
        condition.Length == 0 ? $"{type} {name} = {value};" : $"{type} {name} = {condition} ? {value} : {otherwise};";

    /// <summary>The product of one vector and weight k for result p.</summary>
    public static string Product(string result, string vector, string weight) => $"{result} = TOps.Fma({vector}, {weight}, {result});";

    /// <summary>Stores results <c>c0, c1, ...</c> one step after the other.</summary>
    public static string StoreAll(Sizes results) => Code.Guarded(results, r => Code.Lines([r == 0 ? "" : "o += step;", $"TOps.Store(o, c{r});"]));
}
