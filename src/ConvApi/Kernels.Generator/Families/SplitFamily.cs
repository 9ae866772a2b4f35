namespace ConvNative.Kernels.Generator.Families;

/// <summary>
/// Rows of results of a plane at stride 2: two vectors of a source row are sorted into even and odd columns. Columns come in pairs, of
/// which the first pair may lack the even one. Masks take out what lies beside the plane.
/// </summary>
internal static class SplitFamily
{
    private const int Taps = Tiles.SplitTaps;
    private static readonly Sizes s_rows = Tiles.SplitRows;

    public static string Text() => Parts.Fill($$"""
        /// <summary>Depthwise kernels of stride 2 on channels-first planes, over one vector width; see the folder's README.</summary>
        internal static unsafe class SplitKernels<TOps, TVec>
            where TOps : struct, ISortingOps<TVec>
            where TVec : unmanaged
        {
            /// <summary>The kernel whose first column is even (0) or odd (1), for so many result rows, or null.</summary>
            public static {{Parts.MicroPointer}} Find(int taps, int first, int rows) => ((taps * 100) + (first * 10) + rows) switch
            {
                {{Code.Lines(from f in Enumerable.Range(0, 2) from r in s_rows.Values select $"{(Taps * 100) + (f * 10) + r} => &Split{f}<N{r}>,")}}
                _ => null,
            };

            {{Parts.Methods(Enumerable.Range(0, 2).Select(Kernel))}}
        }
        """);

    // A result begins with the first row that it reads and leaves after the last, and masks are read where they are used: two results, the weights
    // and what is being sorted fit 16 registers.
    private static string Kernel(int first) => Parts.Fill($$"""
        {{Parts.Attribute}}
        private static void Split{{first}}<TRows>(MicroArguments* q)
            where TRows : unmanaged
        {
            nint step = q->BStep, down = q->OutStep;
            byte* b = q->B{{(first == 1 ? " + (2 * TOps.ElementSize)" : "")}}, o = q->Out;
            byte* mask = q->Index, init = q->Init;
            {{Code.Lines(from k in Enumerable.Range(0, Taps) from h in Enumerable.Range(0, Taps) select $"TVec w{k}_{h} = TOps.Splat(q->A + ({(k * Taps) + h} * TOps.ElementSize));")}}
            {{Parts.Declare("TVec", "w0_0", Enumerable.Range(0, s_rows.Most).Select(r => $"c{r}"))}}
            {{Code.Lines((s_rows.Most * 2) - 2 + Taps, i => Source(first, i))}}
        }
        """);

    private static string Source(int first, int i)
    {
        // Columns -1, 0, 1 or 0, 1, 2 of each two: those of one pair of vectors, and the same moved on by one lane.
        string[] columns = first == 1
            ? [$"TOps.Before(b - TOps.ElementSize, odd{i})", $"even{i}", $"odd{i}"]
            : [$"even{i}", $"odd{i}", $"TOps.Behind(even{i}, b + (2 * sizeof(TVec)))"];
        string has = s_rows.Has(Math.Max(0, (i - Taps + 2) / 2));
        string Products(int k) => Code.Guarded(from h in Enumerable.Range(0, Taps).Reverse()
            where i - h >= 0 && (i - h) % 2 == 0 && (i - h) / 2 < s_rows.Most
            let r = (i - h) / 2
            select (s_rows.Has(r) == has || r == 0 ? "" : s_rows.Has(r), $"c{r} = TOps.Fma(x{i}_{k}, w{k}_{h}, {(k + h == 0 ? "TOps.Load(init)" : $"c{r}")});"));
        int done = i - Taps + 1, before = done - 1;
        string block = Code.Lines(
        [
            before >= 0 && before % 2 == 0 ? "o += down;" : "",
            i > 0 ? "b += step;" : "",
            $"TVec s{i} = TOps.Half(b), t{i} = TOps.OtherHalf(b), even{i} = TOps.Even(s{i}, t{i}), odd{i} = TOps.Odd(s{i}, t{i});",
            .. Enumerable.Range(0, Taps).Select(k => Code.Lines([$"TVec x{i}_{k} = TOps.And(TOps.Load(mask + ({k} * sizeof(TVec))), {columns[k]});", Products(k)])),
            done >= 0 && done % 2 == 0 ? $"TOps.Store(o, c{done / 2});" : "",
        ]);
        return Code.If(has, block);
    }
}
