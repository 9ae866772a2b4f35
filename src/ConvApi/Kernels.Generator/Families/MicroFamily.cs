namespace ConvNative.Kernels.Generator.Families;

/// <summary>Rows of single elements against vectors.</summary>
internal static class MicroFamily
{
    public static string Text() => Parts.Fill($$"""
        /// <summary>Micro-kernels with R rows of V vectors in registers, over one vector width; see the folder's README.</summary>
        internal static unsafe class MicroKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel with <paramref name="rows"/> rows of <paramref name="vectors"/> (1, 2 or 4) vectors, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int rows, int vectors) => ((vectors * 100) + rows) switch
            {
                {{Code.Lines(from v in Tiles.Vectors from r in Tiles.Rows(v).Values select $"{(v * 100) + r}{Tiles.Fits(r * v)} => &V{v}<N{r}>,")}}
                _ => null,
            };

            {{Parts.Methods(Tiles.Vectors.Select(Kernel))}}
        }
        """);

    // Tiles side by side: a call costs as much as ten elements' products. A residual is asked for when its tile begins: no hardware guesses where it lies.
    private static string Kernel(int vectors)
    {
        Sizes rows = Tiles.Rows(vectors);
        string Each(string separator, Func<int, string> vector) => string.Join(separator, Enumerable.Range(0, vectors).Select(vector));
        string Clamp(int r) => Each(" ", v => $"c{r}_{v} = TOps.Clamp(c{r}_{v}, least, most);");
        return Parts.Fill($$"""
            {{Parts.Attribute}}
            private static void V{{vectors}}<TRows>(MicroArguments* q)
                where TRows : unmanaged
            {
                byte* a = q->A, o = q->Out, init = q->Init, fetch = q->FetchStep == 0 ? q->B : q->Fetch;
                nint step = q->AStep, next = q->BStep, element = q->AElement, ahead = q->FetchStep;
                {{(vectors == 4
                    ? "bool dense = element == TOps.ElementSize;\nnint right = q->BRight == 0 ? 2 * sizeof(TVec) : q->BRight;"
                    : $"bool dense = element == TOps.ElementSize && next == {vectors} * sizeof(TVec);")}}
                int tiles = q->Tiles;
                do
                {
                    nint down = q->OutStep;
                    if (q->Finish == FinishKind.ResidualAndLimits)
                    {
                        byte* s = o + q->Residual;
                        {{Code.Guarded(rows, r => $"{(r == 0 ? "" : "s += down; ")}CacheHint.Near(s, {vectors} * sizeof(TVec));")}}
                    }

                    down = q->InitStep;
                    TVec {{Each(", ", v => $"c0_{v} = TOps.Load(init + ({v} * sizeof(TVec)))")}};
                    {{Code.Lines(from r in Enumerable.Range(1, rows.Most - 1)
                        from v in Enumerable.Range(0, vectors)
                        select Parts.Once("TVec", $"c{r}_{v}", rows.Has(r), $"TOps.Load(init + ({r} * down) + ({v} * sizeof(TVec)))", $"c0_{v}"))}}
                    init += sizeof(TRows) * down;
                    nint* tap = q->Taps;
                    for (int t = q->TapCount; t > 0; t--, tap += 2)
                    {
                        byte* a0 = a + tap[0];
                        {{Parts.Pointers(rows)}}
                        byte* b = q->B + tap[1];
                        int e = q->Run;
                        if (dense && e >= {{Tiles.Unrolled}})
                        {
                            int turns = e / {{Tiles.Unrolled}};
                            e %= {{Tiles.Unrolled}};
                            do
                            {
                                {{Code.Lines(Tiles.Unrolled, k => $"{{\n{Code.Indent(Code.Lines([Products(rows, vectors, k), vectors == 4 ? "b += next;" : ""]))}\n}}")}}
                                {{Parts.Advance(rows, $"{Tiles.Unrolled} * TOps.ElementSize")}}
                                {{(vectors == 4 ? "" : $"b += {Tiles.Unrolled * vectors} * sizeof(TVec);")}}
                                CacheHint.Fetch(fetch);
                                fetch += {{Tiles.Unrolled}} * ahead;
                            }
                            while (--turns > 0);
                        }

                        for (; e > 0; e--)
                        {
                            {{Products(rows, vectors, 0)}}
                            {{Parts.Advance(rows, "element")}}
                            b += next;
                        }
                    }

                    down = q->OutStep;
                    if (q->Finish != FinishKind.None)
                    {
                        byte* limits = q->Limits;
                        if (q->Finish == FinishKind.ResidualAndLimits)
                        {
                            byte* s = o + q->Residual;
                            TVec scale = TOps.Splat(limits + (2 * TOps.ElementSize));
                            {{Code.Guarded(rows, r => (r == 0 ? "" : "s += down; ") + Each(" ", v => $"c{r}_{v} = TOps.Fma(TOps.Load(s + ({v} * sizeof(TVec))), scale, c{r}_{v});"))}}
                        }

                        TVec least = TOps.Splat(limits), most = TOps.Splat(limits + TOps.ElementSize);
                        {{Code.Guarded(rows, Clamp)}}
                    }

                    {{Code.Guarded(rows, r => Each(" ", v => $"TOps.Store(o + ({v} * sizeof(TVec)), c{r}_{v});") + " o += down;")}}
                    a += sizeof(TRows) * step;
                }
                while (--tiles > 0);

                q->Fetch = fetch;
            }
            """);
    }

    /// <summary>The products of one element, <paramref name="k"/> elements on. Four vectors are two pairs that may lie apart.</summary>
    private static string Products(Sizes rows, int vectors, int k) => Code.Lines(
    [
        "TVec " + string.Join(", ", Enumerable.Range(0, vectors).Select(v =>
            vectors == 4 ? $"b{v} = TOps.Load(b + {(v < 2 ? "" : "right + ")}({v % 2} * sizeof(TVec)))" : $"b{v} = TOps.Load(b + ({(k * vectors) + v} * sizeof(TVec)))")) + ";",
        Code.Guarded(rows, r => string.Join(' ', Enumerable.Range(0, vectors).Select(v => Parts.Product($"c{r}_{v}", $"x{r}", $"b{v}"))
            .Prepend($"TVec x{r} = TOps.Splat({Parts.At(r)}{(k == 0 ? "" : $" + ({k} * TOps.ElementSize)")});"))),
    ]);
}
