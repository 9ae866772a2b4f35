namespace ConvNative.Kernels.Generator.Families;

/// <summary>Weight gradients lane by lane: vectors of one side by a vector of the other in each order of a group's channels.</summary>
internal static class GroupGradientFamily
{
    private static readonly Sizes s_taps = Tiles.GradientTaps;
    private static readonly Sizes s_channels = Tiles.GradientChannels;

    public static string Text() => Parts.Fill($$"""
        /// <summary>Weight gradients of whole groups in a vector, which add a rectangle of pixels to accumulators in memory; see the folder's README.</summary>
        internal static unsafe class GroupGradientKernels<TOps, TVec>
            where TOps : struct, IVectorOps<TVec>
            where TVec : unmanaged
        {
            /// <summary><paramref name="taps"/> vectors of b by a vector of a in each order of a group's <paramref name="channels"/>, or null.</summary>
            public static {{Parts.GradientPointer}} Find(int taps, int channels) => ((channels * 100) + taps) switch
            {
                {{Code.Lines(from j in s_channels.Values from t in s_taps.Values where t <= Tiles.MostGradientTaps(j) select $"{(j * 100) + t}{Tiles.Fits(t * j)} => &Group<N{t}, N{j}>,")}}
                _ => null,
            };

            {{Parts.Attribute}}
            private static void Group<TTaps, TChannels>(GradientArguments* q)
                where TTaps : unmanaged
                where TChannels : unmanaged
            {
                nint* tap = q->Taps;
                nint o0 = tap[0];
                byte* y0 = q->Out + tap[1];
                TVec c0_0 = TOps.Load(y0);
                {{Code.Lines(Sums().Where(s => s != (0, 0)).Select(s => Code.Lines(
                [
                    s.Channel > 0 ? "" : Parts.Once("nint", $"o{s.Tap}", Has(s), $"tap[{2 * s.Tap}]", "o0"),
                    s.Channel > 0 ? "" : Parts.Once("byte*", $"y{s.Tap}", Has(s), $"q->Out + tap[{(2 * s.Tap) + 1}]", "y0"),
                    Parts.Once("TVec", $"c{s.Tap}_{s.Channel}", Has(s), $"TOps.Load(y{s.Tap} + ({s.Channel} * sizeof(TVec)))", "c0_0"),
                ])))}}
                {{Code.Lines(s_channels.Most - 1, j => Parts.Once("TVec", $"i{j + 1}", s_channels.Has(j + 1), $"TOps.Load(q->Index + ({j + 1} * sizeof(TVec)))", "c0_0"))}}
                nint across = q->AElement, next = q->BElement;
                byte* aLine = q->A, bLine = q->B;
                for (int n = q->Lines; n > 0; n--, aLine += q->ALine, bLine += q->BLine)
                {
                    byte* a = aLine, b = bLine;
                    for (int e = q->Count; e > 0; e--, a += across, b += next)
                    {
                        TVec a0 = TOps.Load(a);
                        {{Code.Lines(s_channels.Most - 1, j => Parts.Once("TVec", $"a{j + 1}", s_channels.Has(j + 1), $"TOps.Permute(a0, i{j + 1})", "a0"))}}
                        {{Code.Lines(s_taps.Most, t => Code.If(s_taps.Has(t), Code.Lines(
                        [
                            $"TVec b{t} = TOps.Load(b + o{t});",
                            Code.Guarded(Sums().Where(s => s.Tap == t).Select(s => (s_channels.Has(s.Channel), Parts.Product($"c{t}_{s.Channel}", $"a{s.Channel}", $"b{t}")))),
                        ])))}}
                    }
                }

                {{Code.Guarded(Sums().Select(s => (Has(s), $"TOps.Store(y{s.Tap} + ({s.Channel} * sizeof(TVec)), c{s.Tap}_{s.Channel});")))}}
            }
        }
        """);

    // The sums of some kernel, in their order.
    private static IEnumerable<(int Tap, int Channel)> Sums() =>
        from t in Enumerable.Range(0, s_taps.Most)
        from j in Enumerable.Range(0, s_channels.Most)
        where s_channels.Values.Any(c => j < c && t < Tiles.MostGradientTaps(c))
        select (t, j);

    private static string Has((int Tap, int Channel) s) => Sizes.And(s_taps.Has(s.Tap), s_channels.Has(s.Channel));
}
