namespace ConvNative.Kernels.Generator.Families;

/// <summary>
/// Rows of results of a plane at once: a kernel column's weights stay in registers, and each vector of pixels serves all results that
/// it is a tap of. Masks take out what lies beside the plane.
/// </summary>
internal static class FlatFamily
{
    private static readonly Sizes s_taps = Tiles.FlatTaps;
    private static readonly Sizes s_rows = Tiles.FlatRows;

    public static string Text() => Parts.Fill($$"""
        /// <summary>Depthwise kernels along the columns of channels-first planes, over one vector width; see the folder's README.</summary>
        internal static unsafe class FlatKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel of so many kernel rows and result rows, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int taps, int rows) => ((taps * 100) + rows) switch
            {
                {{Code.Lines(from k in s_taps.Values from r in s_rows.Values select $"{(k * 100) + r} => &Flat<N{k}, N{r}>,")}}
                _ => null,
            };

            {{Parts.Attribute}}
            private static void Flat<TTaps, TRows>(MicroArguments* q)
                where TTaps : unmanaged
                where TRows : unmanaged
            {
                byte* init = q->Init;
                TVec c0 = TOps.Load(init);
                {{Parts.Declare("TVec", "c0", Enumerable.Range(1, s_rows.Most - 1).Select(r => $"c{r}"))}}
                nint step = q->BStep;
                byte* a = q->A, mask = q->Index;
                nint* tap = q->Taps;
                for (int t = q->TapCount; t > 0; t--, tap++, mask += sizeof(TVec))
                {
                    byte* b = q->B + *tap;
                    TVec m = TOps.Load(mask);
                    {{Weights(s_taps, k => $"TOps.Splat(a + ({k} * TOps.ElementSize))")}}
                    a += sizeof(TTaps) * TOps.ElementSize;
                    {{Code.Lines(s_rows.Most + s_taps.Most - 1, Source)}}
                }

                byte* o = q->Out;
                step = q->OutStep;
                {{Parts.StoreAll(s_rows)}}
            }
        }
        """);

    /// <summary>A kernel row's weights.</summary>
    public static string Weights(Sizes taps, Func<int, string> weight) => Code.Lines(taps.Most, k => Parts.Once("TVec", $"w{k}", taps.Has(k), weight(k), "w0"));

    private static string Source(int i)
    {
        string has = i < s_taps.Least ? "" : $"sizeof(TTaps) + sizeof(TRows) > {i + 1}";
        return Code.Lines(
        [
            Code.Guarded([(has, i == 0 ? "" : "b += step;")]),
            Parts.Once("TVec", $"x{i}", has, "TOps.And(m, b)", "x0"),
            Code.Guarded(from k in Enumerable.Range(0, s_taps.Most).Reverse()
                where i - k >= 0 && i - k < s_rows.Most
                select (Sizes.And(s_taps.Has(k), s_rows.Has(i - k)), Parts.Product($"c{i - k}", $"x{i}", $"w{k}"))),
        ]);
    }
}
