namespace ConvNative.Kernels.Generator.Families;

/// <summary>Vectors against vectors, lane by lane; with several groups a vector each channel is spread over the lanes of its group.</summary>
internal static class LanesFamily
{
    public static string Text() => Parts.Fill($$"""
        /// <summary>Kernels that multiply vectors of channels with vectors of weights, over one vector width; see the folder's README.</summary>
        internal static unsafe class LanesKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel that multiplies vectors with vectors (depthwise) for that many rows, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int rows) => rows switch
            {
                {{Code.Lines(Tiles.LanesRows.Values.Select(r => $"{r} => &Lanes<N{r}>,"))}}
                _ => null,
            };

            /// <summary>The kernel whose vectors hold several groups, for that many rows, or null.</summary>
            public static {{Parts.MicroPointer}} FindGroups(int rows) => rows switch
            {
                {{Code.Lines(Tiles.LanesRows.Values.Select(r => $"{r} => &Groups<N{r}>,"))}}
                _ => null,
            };

            {{Kernel("Lanes", $$"""
                TVec b = TOps.Load(q->B + tap[1]);
                {{Code.Guarded(Tiles.LanesRows, r => $"c{r} = TOps.Fma(TOps.Load({Parts.At(r)}), b, c{r});")}}
                """)}}

            {{Kernel("Groups", Parts.Fill($$"""
                TVec x0 = TOps.Load(a0);
                {{Code.Lines(Enumerable.Range(1, Tiles.LanesRows.Most - 1).Select(r => Parts.Once("TVec", $"x{r}", Tiles.LanesRows.Has(r), $"TOps.Load({Parts.At(r)})", "x0")))}}
                byte* b = q->B + tap[1], index = q->Index;
                for (int e = q->Run; e > 0; e--, b += sizeof(TVec), index += sizeof(TVec))
                {
                    TVec w = TOps.Load(b), i = TOps.Load(index);
                    {{Code.Guarded(Tiles.LanesRows, r => $"c{r} = TOps.Fma(TOps.Permute(x{r}, i), w, c{r});")}}
                }
                """))}}
        }
        """);

    private static string Kernel(string name, string products)
    {
        Sizes rows = Tiles.LanesRows;
        return Parts.Fill($$"""
            {{Parts.Attribute}}
            private static void {{name}}<TRows>(MicroArguments* q)
                where TRows : unmanaged
            {
                byte* init = q->Init;
                nint step = q->InitStep;
                TVec c0 = TOps.Load(init);
                {{Code.Lines(Enumerable.Range(1, rows.Most - 1).Select(r => Parts.Once("TVec", $"c{r}", rows.Has(r), $"TOps.Load(init + ({r} * step))", "c0")))}}
                step = q->AStep;
                nint* tap = q->Taps;
                for (int t = q->TapCount; t > 0; t--, tap += 2)
                {
                    byte* a0 = q->A + tap[0];
                    {{Parts.Pointers(rows)}}
                    {{products}}
                }

                byte* o = q->Out;
                step = q->OutStep;
                {{Code.Guarded(rows, r => $"TOps.Store(o{(r == 0 ? "" : $" + ({r} * step)")}, c{r});")}}
            }
            """);
    }
}
