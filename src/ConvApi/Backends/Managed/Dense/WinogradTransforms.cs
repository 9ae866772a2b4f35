using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Winograd's minimal filtering F(2x2, 3x3) and F(4x4, 3x3) with the points 0, 1, -1, (2, -2,) infinity: Y = A^T [(G g G^T) . (B^T d B)] A
/// (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016). Each call transforms one tile of many channels, which lie
/// side by side.
/// </summary>
internal static unsafe class WinogradTransforms
{
    private static readonly double[,] s_g2 = { { 1, 0, 0 }, { 0.5, 0.5, 0.5 }, { 0.5, -0.5, 0.5 }, { 0, 0, 1 } };

    private static readonly double[,] s_g4 =
    {
        { 1.0 / 4, 0, 0 }, { -1.0 / 6, -1.0 / 6, -1.0 / 6 }, { -1.0 / 6, 1.0 / 6, -1.0 / 6 },
        { 1.0 / 24, 1.0 / 12, 1.0 / 6 }, { 1.0 / 24, -1.0 / 12, 1.0 / 6 }, { 0, 0, 1 },
    };

    /// <summary><c>G g G^T</c> of one 3x3 kernel in double, so that a transformed weight is rounded once.</summary>
    public static void Kernel(int m, ReadOnlySpan<double> g, Span<double> to)
    {
        double[,] a = m == 4 ? s_g4 : s_g2;
        int n = m + 2;
        Span<double> half = stackalloc double[18];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < 3; j++) half[(i * 3) + j] = (a[i, 0] * g[j]) + (a[i, 1] * g[3 + j]) + (a[i, 2] * g[6 + j]);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) to[(i * n) + j] = (half[i * 3] * a[j, 0]) + (half[(i * 3) + 1] * a[j, 1]) + (half[(i * 3) + 2] * a[j, 2]);
    }

    /// <summary><c>B^T d B</c>: reads pixel (i, j) at <c>i*row + j*pixel</c>, writes point k at <c>k*point</c>.</summary>
    public static void Input(int m, float* from, long row, long pixel, float* to, long point, int channels)
    {
        int c = 0;
        if (InstructionSet.VectorBits >= 512) c = Input<Lanes16>(m, from, row, pixel, to, point, c, channels);
        if (InstructionSet.VectorBits >= 256 && c < channels) c = Input<Lanes8>(m, from, row, pixel, to, point, c, channels);
        if (InstructionSet.VectorBits >= 128 && c < channels) c = Input<Lanes4>(m, from, row, pixel, to, point, c, channels);
        if (c < channels) Input<Lanes1>(m, from, row, pixel, to, point, c, channels);
    }

    /// <summary><c>A^T v A</c> and the bias: reads point k at <c>k*point</c>, writes pixel (i, j) at <c>i*row + j*pixel</c>.</summary>
    public static void Output(int m, float* from, long point, float* bias, float* to, long row, long pixel, int channels)
    {
        int c = 0;
        if (InstructionSet.VectorBits >= 512) c = Output<Lanes16>(m, from, point, bias, to, row, pixel, c, channels);
        if (InstructionSet.VectorBits >= 256 && c < channels) c = Output<Lanes8>(m, from, point, bias, to, row, pixel, c, channels);
        if (InstructionSet.VectorBits >= 128 && c < channels) c = Output<Lanes4>(m, from, point, bias, to, row, pixel, c, channels);
        if (c < channels) Output<Lanes1>(m, from, point, bias, to, row, pixel, c, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Input<T>(int m, float* from, long row, long pixel, float* to, long point, int c, int channels)
        where T : struct, ILanes<T>
    {
        int l = T.Count;
        float* half = stackalloc float[36 * 16];
        for (; c + l <= channels; c += l)
        {
            float* x = from + c, y = to + c;
            if (m == 4)
            {
                for (int j = 0; j < 6; j++) Points6<T>(x + (j * pixel), row, half + (j * l), 6L * l);
                for (int i = 0; i < 6; i++) Points6<T>(half + (i * 6 * l), l, y + (i * 6 * point), point);
            }
            else
            {
                for (int j = 0; j < 4; j++) Points4<T>(x + (j * pixel), row, half + (j * l), 4L * l);
                for (int i = 0; i < 4; i++) Points4<T>(half + (i * 4 * l), l, y + (i * 4 * point), point);
            }
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Output<T>(int m, float* from, long point, float* bias, float* to, long row, long pixel, int c, int channels)
        where T : struct, ILanes<T>
    {
        int l = T.Count;
        float* half = stackalloc float[24 * 16];
        for (; c + l <= channels; c += l)
        {
            float* x = from + c, y = to + c;
            T b = T.Load(bias + c);
            if (m == 4)
            {
                for (int j = 0; j < 6; j++) Results4<T>(x + (j * point), 6 * point, half + (j * l), 6L * l, T.Of(0));
                for (int i = 0; i < 4; i++) Results4<T>(half + (i * 6 * l), l, y + (i * row), pixel, b);
            }
            else
            {
                for (int j = 0; j < 4; j++) Results2<T>(x + (j * point), 4 * point, half + (j * l), 4L * l, T.Of(0));
                for (int i = 0; i < 2; i++) Results2<T>(half + (i * 4 * l), l, y + (i * row), pixel, b);
            }
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Points6<T>(float* x, long step, float* y, long to)
        where T : struct, ILanes<T>
    {
        T d0 = T.Load(x), d1 = T.Load(x + step), d2 = T.Load(x + (2 * step)), d3 = T.Load(x + (3 * step)), d4 = T.Load(x + (4 * step)), d5 = T.Load(x + (5 * step));
        T four = T.Of(4), less = T.Of(-4), five = T.Of(-5), two = T.Of(2);
        T a = T.MulAdd(less, d2, d4), b = T.MulAdd(less, d1, d3), c = T.Subtract(d4, d2), d = T.Multiply(two, T.Subtract(d3, d1));
        T.MulAdd(four, d0, T.MulAdd(five, d2, d4)).Store(y);
        T.Add(a, b).Store(y + to);
        T.Subtract(a, b).Store(y + (2 * to));
        T.Add(c, d).Store(y + (3 * to));
        T.Subtract(c, d).Store(y + (4 * to));
        T.MulAdd(four, d1, T.MulAdd(five, d3, d5)).Store(y + (5 * to));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Points4<T>(float* x, long step, float* y, long to)
        where T : struct, ILanes<T>
    {
        T d0 = T.Load(x), d1 = T.Load(x + step), d2 = T.Load(x + (2 * step)), d3 = T.Load(x + (3 * step));
        T.Subtract(d0, d2).Store(y);
        T.Add(d1, d2).Store(y + to);
        T.Subtract(d2, d1).Store(y + (2 * to));
        T.Subtract(d1, d3).Store(y + (3 * to));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Results4<T>(float* x, long step, float* y, long to, T bias)
        where T : struct, ILanes<T>
    {
        T m0 = T.Load(x), m1 = T.Load(x + step), m2 = T.Load(x + (2 * step)), m3 = T.Load(x + (3 * step)), m4 = T.Load(x + (4 * step)), m5 = T.Load(x + (5 * step));
        T a = T.Add(m1, m2), b = T.Subtract(m1, m2), c = T.Add(m3, m4), d = T.Subtract(m3, m4);
        T.Add(bias, T.Add(m0, T.Add(a, c))).Store(y);
        T.Add(bias, T.MulAdd(T.Of(2), d, b)).Store(y + to);
        T.Add(bias, T.MulAdd(T.Of(4), c, a)).Store(y + (2 * to));
        T.Add(bias, T.Add(m5, T.MulAdd(T.Of(8), d, b))).Store(y + (3 * to));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Results2<T>(float* x, long step, float* y, long to, T bias)
        where T : struct, ILanes<T>
    {
        T m0 = T.Load(x), m1 = T.Load(x + step), m2 = T.Load(x + (2 * step)), m3 = T.Load(x + (3 * step));
        T.Add(bias, T.Add(m0, T.Add(m1, m2))).Store(y);
        T.Add(bias, T.Subtract(T.Subtract(m1, m2), m3)).Store(y + to);
    }
}
