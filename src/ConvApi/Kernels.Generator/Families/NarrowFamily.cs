namespace ConvNative.Kernels.Generator.Families;

/// <summary>Rows of single elements against a vector and a narrower one.</summary>
internal static class NarrowFamily
{
    public static string Text()
    {
        Sizes rows = Tiles.NarrowRows;
        return Parts.Fill($$"""
            /// <summary>Micro-kernels with R rows of a vector and a narrower one beside it, which write no element more; see the folder's README.</summary>
            internal static unsafe class NarrowKernels<TOps, TVec, TTailOps, TTail, TCut>
                where TOps : struct, IVectorOps<TVec>
                where TVec : unmanaged
                where TTailOps : struct, IVectorOps<TTail>
                where TTail : unmanaged
                where TCut : struct, ICutOps<TVec, TTail>
            {
                /// <summary>The kernel with that many rows, or null.</summary>
                public static {{Parts.MicroPointer}} Find(int rows) => rows switch
                {
                    {{Code.Lines(rows.Values.Select(r => $"{r} => &Narrow<N{r}>,"))}}
                    _ => null,
                };

                {{Parts.Attribute}}
                private static void Narrow<TRows>(MicroArguments* q)
                    where TRows : unmanaged
                {
                    byte* p = q->Init;
                    nint step = q->InitStep;
                    TVec c0 = TOps.Load(p);
                    TTail d0 = TTailOps.Load(p + sizeof(TVec));
                    {{Parts.Declare("TVec", "c0", Enumerable.Range(1, rows.Most - 1).Select(r => $"c{r}"))}}
                    {{Parts.Declare("TTail", "d0", Enumerable.Range(1, rows.Most - 1).Select(r => $"d{r}"))}}
                    {{Code.Guarded(Enumerable.Range(1, rows.Most - 1).Select(r => (rows.Has(r), $"p += step; c{r} = TOps.Load(p); d{r} = TTailOps.Load(p + sizeof(TVec));")))}}
                    step = q->AStep;
                    nint next = q->BStep, element = q->AElement;
                    nint* tap = q->Taps;
                    for (int t = q->TapCount; t > 0; t--, tap += 2)
                    {
                        byte* a0 = q->A + tap[0];
                        {{Parts.Pointers(rows)}}
                        byte* b = q->B + tap[1];
                        for (int e = q->Run; e > 0; e--)
                        {
                            TVec v = TOps.Load(b);
                            TTail w = TTailOps.Load(b + sizeof(TVec));
                            {{Code.Guarded(rows, r => $"TVec x{r} = TOps.Splat({Parts.At(r)}); c{r} = TOps.Fma(x{r}, v, c{r}); d{r} = TTailOps.Fma(TCut.Low(x{r}), w, d{r});")}}
                            {{Parts.Advance(rows, "element")}}
                            b += next;
                        }
                    }

                    p = q->Out;
                    step = q->OutStep;
                    {{Code.Guarded(rows, r => $"{(r == 0 ? "" : "p += step; ")}TOps.Store(p, c{r}); TTailOps.Store(p + sizeof(TVec), d{r});")}}
                }
            }
            """);
    }
}
