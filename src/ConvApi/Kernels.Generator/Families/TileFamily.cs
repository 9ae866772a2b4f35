namespace ConvNative.Kernels.Generator.Families;

/// <summary>
/// Two result rows of pixels at once: what is loaded serves all results that it is a tap of. Rows and pixels that lie outside are
/// left out.
/// </summary>
internal static class TileFamily
{
    public static string Text() => Parts.Fill($$"""
        /// <summary>Depthwise kernels of two channels-last rows, over one vector width; see the folder's README.</summary>
        internal static unsafe class TileKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel of two result rows of so many pixels, vectors along channels, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int taps, int stride, int pixels) => ((taps * 100) + (stride * 10) + pixels) switch
            {
                {{Code.Lines(from t in Tiles.TwoRows from p in t.Pixels.Values select $"{(t.Taps * 100) + (t.Stride * 10) + p} => &Tile{t.Taps}s{t.Stride}<N{p}>,")}}
                _ => null,
            };

            {{Parts.Methods(Tiles.TwoRows.Select(t => Kernel(t.Taps, t.Stride, t.Pixels)))}}
        }
        """);

    private static string Kernel(int taps, int stride, Sizes pixels)
    {
        string[] sums = [.. from r in Enumerable.Range(0, 2) from p in Enumerable.Range(0, pixels.Most) select $"c{r}_{p}"];

        // A sum that is passed on by reference costs the compiler a variable for each product, and it stops inlining at 512 of them.
        bool shared = (2 * taps * taps * pixels.Most) < 400;
        string kernel = Parts.Fill($$"""
            {{Parts.Attribute}}
            private static void Tile{{taps}}s{{stride}}<TPixels>(MicroArguments* q)
                where TPixels : unmanaged
            {
                TVec c0_0 = TOps.Load(q->Init);
                {{Parts.Declare("TVec", "c0_0", sums.Skip(1))}}
                nint step = q->AStep, line = q->ALine;
                byte* a = q->A, b = q->B;
                int first = q->First, end = q->End;
                {{Code.Lines(stride + taps, i => Code.If($"{i} >= q->FirstRow && {i} < q->EndRow", shared
                    ? Code.Packed([$"Source{taps}s{stride}<TPixels, N{i + 1}>(", $"a + ({i} * line), b, step, first, end,", .. sums.Select(s => $"ref {s}{(s == sums[^1] ? ");" : ",")}")])
                    : Source(taps, stride, pixels, i)))}}

                byte* o = q->Out, p = o + q->OutLine;
                step = q->OutStep;
                {{Code.Guarded(pixels, p => $"{(p == 0 ? "" : "o += step; p += step; ")}TOps.Store(o, c0_{p}); TOps.Store(p, c1_{p});")}}
            }
            """);
        return !shared ? kernel : Parts.Methods([kernel, Parts.Fill($$"""
            // A source row, the one of number sizeof(TSource) counted from 1: a row of the kernel for each result row that reads it.
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            private static void Source{{taps}}s{{stride}}<TPixels, TSource>(
                byte* x, byte* b, nint step, int first, int end,
                {{Code.Packed(sums.Select(s => $"ref TVec {s}{(s == sums[^1] ? ")" : ",")}"))}}
                where TPixels : unmanaged
                where TSource : unmanaged
            {
                {{Code.Lines(from r in Enumerable.Range(0, 2)
                    from k in Enumerable.Range(0, taps)
                    select Parts.Once("TVec", $"w{r}_{k}", Reads(taps, stride, r), $"TOps.Load(b + ((((sizeof(TSource) - {1 + (r * stride)}) * {taps}) + {k}) * sizeof(TVec)))", "c0_0"))}}
                {{Columns(taps, stride, pixels, [0, 1], r => Reads(taps, stride, r))}}
            }
            """)]);
    }

    /// <summary>Source row <paramref name="i"/> written out.</summary>
    private static string Source(int taps, int stride, Sizes pixels, int i)
    {
        int[] rows = [.. Enumerable.Range(0, 2).Where(r => i - (r * stride) >= 0 && i - (r * stride) < taps)];
        return Code.Lines(
        [
            $"byte* x = a + ({i} * line);",
            .. rows.Select(r => Code.Packed(Enumerable.Range(0, taps).Select(k => $"TVec w{r}_{k} = TOps.Load(b + ({((i - (r * stride)) * taps) + k} * sizeof(TVec)));"))),
            Columns(taps, stride, pixels, rows, _ => ""),
        ]);
    }

    /// <summary>The condition under which a source row is a tap of a result row.</summary>
    private static string Reads(int taps, int stride, int row) => row == 0 ? $"sizeof(TSource) <= {taps}" : $"sizeof(TSource) > {stride}";

    private static string Columns(int taps, int stride, Sizes pixels, int[] rows, Func<int, string> reads) => Code.Lines(((pixels.Most - 1) * stride) + taps, j =>
    {
        // The last pixel that this column is not behind.
        string has = pixels.Has(Math.Max(0, (j - taps + stride) / stride));
        string products = Code.Guarded(from r in rows
            from k in Enumerable.Range(0, taps).Reverse()
            where j - k >= 0 && (j - k) % stride == 0 && (j - k) / stride < pixels.Most
            let p = (j - k) / stride
            select (Sizes.And(pixels.Has(p) == has ? "" : pixels.Has(p), reads(r)), Parts.Product($"c{r}_{p}", "v", $"w{r}_{k}")));
        return Code.If(has, Code.Lines([j == 0 ? "" : "x += step;", Code.If($"{j} >= first && {j} < end", Code.Lines(["TVec v = TOps.Load(x);", products]))]));
    });
}
