namespace ConvNative.Kernels.Generator.Families;

/// <summary>Weight gradients: outer products of single elements and vectors over a rectangle of pixels.</summary>
internal static class OuterFamily
{
    public static string Text() => Parts.Fill($$"""
        /// <summary>Outer products of weight gradients, which add a rectangle of pixels to accumulators in memory; see the folder's README.</summary>
        internal static unsafe class OuterKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary><paramref name="rows"/> single elements by <paramref name="vectors"/> (1, 2 or 4) vectors, or null.</summary>
            public static {{Parts.GradientPointer}} Find(int rows, int vectors) => ((vectors * 100) + rows) switch
            {
                {{Code.Lines(from v in Tiles.Vectors from r in Tiles.Rows(v).Values select $"{(v * 100) + r}{Tiles.Fits(r * v)} => &V{v}<N{r}>,")}}
                _ => null,
            };

            {{Parts.Methods(Tiles.Vectors.Select(Kernel))}}
        }
        """);

    private static string Kernel(int vectors)
    {
        Sizes rows = Tiles.Rows(vectors);
        string Each(string separator, Func<int, string> vector) => string.Join(separator, Enumerable.Range(0, vectors).Select(vector));
        return Parts.Fill($$"""
            {{Parts.Attribute}}
            private static void V{{vectors}}<TRows>(GradientArguments* q)
                where TRows : unmanaged
            {
                byte* o = q->Out;
                nint step = q->OutStep;
                TVec {{Each(", ", v => $"c0_{v} = TOps.Load(o + ({v} * sizeof(TVec)))")}};
                {{Code.Lines(from r in Enumerable.Range(1, rows.Most - 1)
                        from v in Enumerable.Range(0, vectors)
                        select Parts.Once("TVec", $"c{r}_{v}", rows.Has(r), $"TOps.Load(o + ({r} * step) + ({v} * sizeof(TVec)))", $"c0_{v}"))}}
                step = q->AStep;
                nint across = q->AElement, next = q->BElement;
                byte* aLine = q->A, bLine = q->B;
                for (int n = q->Lines; n > 0; n--, aLine += q->ALine, bLine += q->BLine)
                {
                    byte* a0 = aLine, b = bLine;
                    {{Parts.Pointers(rows)}}
                    for (int e = q->Count; e > 0; e--)
                    {
                        TVec {{Each(", ", v => $"b{v} = TOps.Load(b + ({v} * sizeof(TVec)))")}};
                        {{Code.Guarded(rows, r => $"TVec x{r} = TOps.Splat({Parts.At(r)}); {Each(" ", v => Parts.Product($"c{r}_{v}", $"x{r}", $"b{v}"))}")}}
                        {{Parts.Advance(rows, "across")}}
                        b += next;
                    }
                }

                step = q->OutStep;
                {{Code.Guarded(rows, r => (r == 0 ? "" : "o += step; ") + Each(" ", v => $"TOps.Store(o + ({v} * sizeof(TVec)), c{r}_{v});"))}}
            }
            """);
    }
}
