namespace ConvNative.Kernels.Generator;

/// <summary>The types that stand for numbers.</summary>
internal static class SizeTypes
{
    public static string Text() =>
        "// Types that stand for numbers: a kernel's sizes are type parameters, and compilers fold what depends on sizeof of one.\n"
        + Code.Lines(Tiles.Numbers().Select(n => $"[StructLayout(LayoutKind.Sequential, Size = {n})]\ninternal struct N{n};\n"));
}
