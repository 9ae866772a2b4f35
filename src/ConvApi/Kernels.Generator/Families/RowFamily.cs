namespace ConvNative.Kernels.Generator.Families;

/// <summary>
/// Pixels of a channels-last row at once: each loaded pixel serves all results that it is a tap of. Pixels before First or from End on
/// lie outside and count as zeros.
/// </summary>
internal static class RowFamily
{
    private static readonly Sizes s_taps = Tiles.RowTaps;
    private static readonly Sizes s_pixels = Tiles.RowPixels;

    public static string Text() => Parts.Fill($$"""
        /// <summary>Depthwise kernels along channels-last rows, over one vector width; see the folder's README.</summary>
        internal static unsafe class RowKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel of so many kernel columns, stride and pixels, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int taps, int stride, int pixels) => ((taps * 100) + (stride * 10) + pixels) switch
            {
                {{Code.Lines(from k in s_taps.Values from s in Tiles.RowStrides from p in s_pixels.Values select $"{(k * 100) + (s * 10) + p} => &Rows{s}<N{k}, N{p}>,")}}
                _ => null,
            };

            {{Parts.Methods(Tiles.RowStrides.Select(Kernel))}}
        }
        """);

    /// <summary>A source column: loaded if it exists, for all pixels that it is a tap of.</summary>
    public static string Column(Sizes taps, Sizes pixels, int stride, int column, string load)
    {
        string products = Code.Guarded(from k in Enumerable.Range(0, taps.Most).Reverse()
            where column - k >= 0 && (column - k) % stride == 0 && (column - k) / stride < pixels.Most
            let p = (column - k) / stride
            select (Sizes.And(taps.Has(k), pixels.Has(p)), Parts.Product($"c{p}", "x", $"w{k}")));
        string block = Code.Lines([column == 0 ? "" : "a += step;", Code.If($"{column} >= first && {column} < end", Code.Lines([$"TVec x = {load};", products]))]);
        return Code.If(column < taps.Least ? "" : stride == 1 ? $"sizeof(TTaps) + sizeof(TPixels) > {column + 1}" : $"sizeof(TTaps) + ({stride} * sizeof(TPixels)) > {column + stride}", block);
    }

    private static string Kernel(int stride) => Parts.Fill($$"""
        {{Parts.Attribute}}
        private static void Rows{{stride}}<TTaps, TPixels>(MicroArguments* q)
            where TTaps : unmanaged
            where TPixels : unmanaged
        {
            byte* init = q->Init;
            TVec c0 = TOps.Load(init);
            {{Parts.Declare("TVec", "c0", Enumerable.Range(1, s_pixels.Most - 1).Select(p => $"c{p}"))}}
            nint step = q->AStep;
            nint* tap = q->Taps;
            int first = q->First, end = q->End;
            for (int t = q->TapCount; t > 0; t--, tap += 2)
            {
                byte* a = q->A + tap[0], b = q->B + tap[1];
                {{FlatFamily.Weights(s_taps, k => $"TOps.Load(b + ({k} * sizeof(TVec)))")}}
                {{Code.Lines(((s_pixels.Most - 1) * stride) + s_taps.Most, j => Column(s_taps, s_pixels, stride, j, "TOps.Load(a)"))}}
            }

            byte* o = q->Out;
            step = q->OutStep;
            {{Parts.StoreAll(s_pixels)}}
        }
        """);
}
