using System.Runtime.CompilerServices;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The kernel of a 3x3 weight gradient between two planes whose vectors run along their rows; see the folder's README.</summary>
internal static unsafe class WalkKernels<TOps, TVec>
    where TOps : struct, IVectorOps<TVec>
    where TVec : unmanaged
{
    /// <summary>The kernel of three rows and columns.</summary>
    public static delegate*<GradientArguments*, void> Find() => &Three;

    /// <summary>
    /// <c>out[kh][kw] += a[row] * b[row + kh][kw elements on]</c> lane by lane: each of <c>Count</c> columns of vectors is walked down <c>Lines</c> rows of a
    /// and two more of b, and the last two rows of a stay in registers. The last column begins at <c>AStep</c>; masks for a say what it shares
    /// with the one before.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three(GradientArguments* q)
    {
        byte* o = q->Out;
        TVec c00 = TOps.Load(o), c01 = TOps.Load(o + sizeof(TVec)), c02 = TOps.Load(o + (2 * sizeof(TVec)));
        TVec c10 = TOps.Load(o + (3 * sizeof(TVec))), c11 = TOps.Load(o + (4 * sizeof(TVec))), c12 = TOps.Load(o + (5 * sizeof(TVec)));
        TVec c20 = TOps.Load(o + (6 * sizeof(TVec))), c21 = TOps.Load(o + (7 * sizeof(TVec))), c22 = TOps.Load(o + (8 * sizeof(TVec)));
        nint aLine = q->ALine, bLine = q->BLine;
        for (int v = 0; v < q->Count; v++)
        {
            nint at = Math.Min(v * sizeof(TVec), q->AStep);
            byte* a = q->A + at, b = q->B + at;
            TVec mask = TOps.Load(q->Index + (v * sizeof(TVec))), a1 = default, a2 = default, x;
            for (int n = q->Lines; n > 0; n--, a += aLine, b += bLine)
            {
                TVec a0 = TOps.And(mask, a);
                x = TOps.Load(b);
                c00 = TOps.Fma(a0, x, c00);
                c10 = TOps.Fma(a1, x, c10);
                c20 = TOps.Fma(a2, x, c20);
                x = TOps.Load(b + TOps.ElementSize);
                c01 = TOps.Fma(a0, x, c01);
                c11 = TOps.Fma(a1, x, c11);
                c21 = TOps.Fma(a2, x, c21);
                x = TOps.Load(b + (2 * TOps.ElementSize));
                c02 = TOps.Fma(a0, x, c02);
                c12 = TOps.Fma(a1, x, c12);
                c22 = TOps.Fma(a2, x, c22);
                a2 = a1;
                a1 = a0;
            }

            x = TOps.Load(b);
            c10 = TOps.Fma(a1, x, c10);
            c20 = TOps.Fma(a2, x, c20);
            x = TOps.Load(b + TOps.ElementSize);
            c11 = TOps.Fma(a1, x, c11);
            c21 = TOps.Fma(a2, x, c21);
            x = TOps.Load(b + (2 * TOps.ElementSize));
            c12 = TOps.Fma(a1, x, c12);
            c22 = TOps.Fma(a2, x, c22);
            b += bLine;
            c20 = TOps.Fma(a1, TOps.Load(b), c20);
            c21 = TOps.Fma(a1, TOps.Load(b + TOps.ElementSize), c21);
            c22 = TOps.Fma(a1, TOps.Load(b + (2 * TOps.ElementSize)), c22);
        }

        TOps.Store(o, c00);
        TOps.Store(o + sizeof(TVec), c01);
        TOps.Store(o + (2 * sizeof(TVec)), c02);
        TOps.Store(o + (3 * sizeof(TVec)), c10);
        TOps.Store(o + (4 * sizeof(TVec)), c11);
        TOps.Store(o + (5 * sizeof(TVec)), c12);
        TOps.Store(o + (6 * sizeof(TVec)), c20);
        TOps.Store(o + (7 * sizeof(TVec)), c21);
        TOps.Store(o + (8 * sizeof(TVec)), c22);
    }
}
