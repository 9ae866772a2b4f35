using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Common.Deformable;

/// <summary>
/// Bilinear interpolation of channel rows, its adjoint and its derivatives: what deformable convolutions do for each pixel and tap.
/// Four pointers name the neighbours' rows; a row of zeros stands for a neighbour outside.
/// </summary>
internal static unsafe class BilinearRows
{
    /// <summary><c>to = mask * interpolated row</c>.</summary>
    public static void Blend(in BilinearPoint p, float* a, float* b, float* d, float* e, float* to, int count)
    {
        int i = 0;
        if (InstructionSet.VectorBits >= 512) i = Blend<Lanes16>(p, a, b, d, e, to, 0, count);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Blend<Lanes8>(p, a, b, d, e, to, i, count);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Blend<Lanes4>(p, a, b, d, e, to, i, count);
        if (i < count) Blend<Lanes1>(p, a, b, d, e, to, i, count);
    }

    /// <summary>Adds <c>mask * weight * from</c> to the four rows; a null row is outside.</summary>
    public static void Spread(in BilinearPoint p, float* from, float* a, float* b, float* d, float* e, int count)
    {
        float hy = 1 - p.Y, hx = 1 - p.X;
        if (a != null) Add(hy * hx, p.Mask, from, a, count);
        if (b != null) Add(hy * p.X, p.Mask, from, b, count);
        if (d != null) Add(p.Y * hx, p.Mask, from, d, count);
        if (e != null) Add(p.Y * p.X, p.Mask, from, e, count);
    }

    /// <summary><c>sum_c g * interpolated row</c>, without the mask.</summary>
    public static float Dot(in BilinearPoint p, float* g, float* a, float* b, float* d, float* e, int count)
    {
        int i = 0;
        float sum = 0;
        if (InstructionSet.VectorBits >= 512) i = Dot<Lanes16>(p, g, a, b, d, e, 0, count, ref sum);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Dot<Lanes8>(p, g, a, b, d, e, i, count, ref sum);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Dot<Lanes4>(p, g, a, b, d, e, i, count, ref sum);
        if (i < count) Dot<Lanes1>(p, g, a, b, d, e, i, count, ref sum);
        return sum;
    }

    /// <summary>Adds <c>sum_c g * derivative of the row</c> along y and x, without the mask.</summary>
    public static void Slopes(in BilinearPoint p, float* g, float* a, float* b, float* d, float* e, int count, ref float alongY, ref float alongX)
    {
        int i = 0;
        if (InstructionSet.VectorBits >= 512) i = Slopes<Lanes16>(p, g, a, b, d, e, 0, count, ref alongY, ref alongX);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Slopes<Lanes8>(p, g, a, b, d, e, i, count, ref alongY, ref alongX);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Slopes<Lanes4>(p, g, a, b, d, e, i, count, ref alongY, ref alongX);
        if (i < count) Slopes<Lanes1>(p, g, a, b, d, e, i, count, ref alongY, ref alongX);
    }

    /// <summary><c>to += a * b</c>.</summary>
    public static void MultiplyAdd(float* a, float* b, float* to, int count)
    {
        int i = 0;
        if (InstructionSet.VectorBits >= 512) i = MultiplyAdd<Lanes16>(a, b, to, 0, count);
        if (InstructionSet.VectorBits >= 256 && i < count) i = MultiplyAdd<Lanes8>(a, b, to, i, count);
        if (InstructionSet.VectorBits >= 128 && i < count) i = MultiplyAdd<Lanes4>(a, b, to, i, count);
        if (i < count) MultiplyAdd<Lanes1>(a, b, to, i, count);
    }

    private static void Add(float weight, float mask, float* from, float* to, int count)
    {
        int i = 0;
        if (InstructionSet.VectorBits >= 512) i = Add<Lanes16>(weight, mask, from, to, 0, count);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Add<Lanes8>(weight, mask, from, to, i, count);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Add<Lanes4>(weight, mask, from, to, i, count);
        if (i < count) Add<Lanes1>(weight, mask, from, to, i, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Blend<T>(in BilinearPoint p, float* a, float* b, float* d, float* e, float* to, int i, int count)
        where T : struct, ILanes<T>
    {
        float hy = 1 - p.Y, hx = 1 - p.X;
        T wa = T.Of(hy * hx), wb = T.Of(hy * p.X), wd = T.Of(p.Y * hx), we = T.Of(p.Y * p.X), m = T.Of(p.Mask);
        for (; i + T.Count <= count; i += T.Count)
        {
            T v = T.MulAdd(wb, T.Load(b + i), T.Multiply(wa, T.Load(a + i)));
            v = T.MulAdd(we, T.Load(e + i), T.MulAdd(wd, T.Load(d + i), v));
            T.Multiply(v, m).Store(to + i);
        }

        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int MultiplyAdd<T>(float* a, float* b, float* to, int i, int count)
        where T : struct, ILanes<T>
    {
        for (; i + T.Count <= count; i += T.Count) T.MulAdd(T.Load(a + i), T.Load(b + i), T.Load(to + i)).Store(to + i);
        return i;
    }

    // The mask apart from the weight: their product might underflow where the products with the row do not.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Add<T>(float weight, float mask, float* from, float* to, int i, int count)
        where T : struct, ILanes<T>
    {
        T w = T.Of(weight), m = T.Of(mask);
        for (; i + T.Count <= count; i += T.Count) T.MulAdd(w, T.Multiply(m, T.Load(from + i)), T.Load(to + i)).Store(to + i);
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Dot<T>(in BilinearPoint p, float* g, float* a, float* b, float* d, float* e, int i, int count, ref float sum)
        where T : struct, ILanes<T>
    {
        float hy = 1 - p.Y, hx = 1 - p.X;
        T wa = T.Of(hy * hx), wb = T.Of(hy * p.X), wd = T.Of(p.Y * hx), we = T.Of(p.Y * p.X), s = T.Of(0);
        for (; i + T.Count <= count; i += T.Count)
        {
            T v = T.MulAdd(wb, T.Load(b + i), T.Multiply(wa, T.Load(a + i)));
            v = T.MulAdd(we, T.Load(e + i), T.MulAdd(wd, T.Load(d + i), v));
            s = T.MulAdd(v, T.Load(g + i), s);
        }

        sum += s.Sum();
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Slopes<T>(in BilinearPoint p, float* g, float* a, float* b, float* d, float* e, int i, int count, ref float alongY, ref float alongX)
        where T : struct, ILanes<T>
    {
        T ly = T.Of(p.Y), hy = T.Of(1 - p.Y), lx = T.Of(p.X), hx = T.Of(1 - p.X), sy = T.Of(0), sx = T.Of(0);
        for (; i + T.Count <= count; i += T.Count)
        {
            T va = T.Load(a + i), vb = T.Load(b + i), vd = T.Load(d + i), ve = T.Load(e + i), vg = T.Load(g + i);
            sy = T.MulAdd(vg, T.MulAdd(lx, T.Subtract(ve, vb), T.Multiply(hx, T.Subtract(vd, va))), sy);
            sx = T.MulAdd(vg, T.MulAdd(ly, T.Subtract(ve, vd), T.Multiply(hy, T.Subtract(vb, va))), sx);
        }

        alongY += sy.Sum();
        alongX += sx.Sum();
        return i;
    }
}
