namespace ConvNative.Kernels.Generator.Families;

/// <summary>Weights of all taps stay in registers while the pixels go by; the next vectors overlap with the sum's latency.</summary>
internal static class SweepFamily
{
    public static string Text()
    {
        Sizes taps = Tiles.SweepTaps;
        return Parts.Fill($$"""
            /// <summary>Kernels that sweep vectors of pixels with all taps of a plane, over one vector width; see the folder's README.</summary>
            internal static unsafe class SweepKernels<TOps, TVec>
                where TOps : struct, IVectorOps<TVec>
                where TVec : unmanaged
            {
                /// <summary>The kernel with that many taps, or null.</summary>
                public static {{Parts.MicroPointer}} Find(int taps) => taps switch
                {
                    {{Code.Lines(taps.Values.Select(t => $"{t} => &Sweep<N{t}>,"))}}
                    _ => null,
                };

                {{Parts.Attribute}}
                private static void Sweep<TTaps>(MicroArguments* q)
                    where TTaps : unmanaged
                {
                    TVec init = TOps.Load(q->Init);
                    nint* tap = q->Taps;
                    TVec w0 = TOps.Splat(q->A + tap[0]);
                    nint o0 = tap[1];
                    {{Code.Lines(taps.Most - 1, t => Code.Lines([
                        Parts.Once("TVec", $"w{t + 1}", taps.Has(t + 1), $"TOps.Splat(q->A + tap[{2 * (t + 1)}])", "w0"), Parts.Once("nint", $"o{t + 1}", taps.Has(t + 1), $"tap[{(2 * t) + 3}]", "o0")]))}}
                    byte* b = q->B, o = q->Out;
                    for (int n = q->Run; n > 0; n--, b += sizeof(TVec), o += sizeof(TVec))
                    {
                        TVec c = init;
                        {{Code.Guarded(taps, t => $"c = TOps.Fma(TOps.Load(b + o{t}), w{t}, c);")}}
                        TOps.Store(o, c);
                    }
                }
            }
            """);
    }
}
