namespace ConvNative.Kernels.Generator.Families;

/// <summary>
/// Pixels of a row at once, several groups a vector: a channel of a pixel, spread over the lanes of its group, serves all results that
/// the pixel is a tap of. Pixels that lie outside are left out.
/// </summary>
internal static class GroupRowFamily
{
    private static readonly Sizes s_taps = Tiles.GroupRowTaps;
    private static readonly Sizes s_pixels = Tiles.GroupRowPixels;

    public static string Text() => Parts.Fill($$"""
        /// <summary>Kernels along channels-last rows whose vectors hold several groups, over one vector width; see the folder's README.</summary>
        internal static unsafe class GroupRowKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel of so many columns, stride and pixels, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int taps, int stride, int pixels) => ((taps * 100) + (stride * 10) + pixels) switch
            {
                {{Code.Lines(from k in s_taps.Values from p in s_pixels.Values select $"{(k * 100) + 10 + p} => &GroupRow<N{k}, N{p}>,")}}
                _ => null,
            };

            {{Parts.Attribute}}
            private static void GroupRow<TTaps, TPixels>(MicroArguments* q)
                where TTaps : unmanaged
                where TPixels : unmanaged
            {
                TVec c0 = TOps.Load(q->Init);
                {{Parts.Declare("TVec", "c0", Enumerable.Range(1, s_pixels.Most - 1).Select(p => $"c{p}"))}}
                nint step = q->AStep, weight = (nint)q->Run * sizeof(TVec);
                nint* tap = q->Taps;
                int first = q->First, end = q->End;
                for (int t = q->TapCount; t > 0; t--, tap += 2)
                {
                    byte* b = q->B + tap[1], index = q->Index;
                    for (int e = q->Run; e > 0; e--, b += sizeof(TVec), index += sizeof(TVec))
                    {
                        byte* a = q->A + tap[0];
                        TVec spread = TOps.Load(index);
                        {{FlatFamily.Weights(s_taps, k => $"TOps.Load(b + ({k} * weight))")}}
                        {{Code.Lines(s_pixels.Most - 1 + s_taps.Most, j => RowFamily.Column(s_taps, s_pixels, 1, j, "TOps.Permute(TOps.Load(a), spread)"))}}
                    }
                }

                byte* o = q->Out;
                step = q->OutStep;
                {{Parts.StoreAll(s_pixels)}}
            }
        }
        """);
}
