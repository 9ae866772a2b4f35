using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>Changes between pixel-major and channel-major order.</summary>
internal static unsafe class Transposition
{
    /// <summary>Pixel-major rows of <paramref name="width"/> elements to channels <paramref name="channelStep"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToChannels<T>(T* from, int width, T* to, long channelStep, long pixelStep, int pixels, int channels)
        where T : unmanaged
    {
        if (sizeof(T) == sizeof(float) && pixelStep == 1)
        {
            Swap((float*)from, width, (float*)to, channelStep, pixels, channels);
            return;
        }

        for (int c = 0; c < channels; c++)
        {
            T* y = to + (c * channelStep), x = from + c;
            for (int p = 0; p < pixels; p++) y[p * pixelStep] = x[(long)p * width];
        }
    }

    /// <summary>Channels <paramref name="channelStep"/> apart to pixel-major rows of <paramref name="width"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToPixels<T>(T* from, long pixelStep, long channelStep, T* to, int width, int pixels, int channels)
        where T : unmanaged
    {
        if (sizeof(T) == sizeof(float) && pixelStep == 1)
        {
            Swap((float*)from, channelStep, (float*)to, width, channels, pixels);
            return;
        }

        for (int p = 0; p < pixels; p++)
        {
            T* y = to + ((long)p * width), x = from + (p * pixelStep);
            for (int c = 0; c < channels; c++) y[c] = x[c * channelStep];
        }
    }

    /// <summary><c>to[j][i] = from[i][j]</c> for i below <paramref name="rows"/> and j below <paramref name="columns"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Swap(float* from, long fromStep, float* to, long toStep, int rows, int columns)
    {
        // Blocks at the end are moved back over what is done already.
        if (Avx512F.IsSupported && rows >= 16 && columns >= 8)
        {
            for (int i = 0; i < rows; i += 16)
            {
                int k = Math.Min(i, rows - 16), j = 0;
                float* a = from + (k * fromStep), b = to + k;
                for (; columns >= 16 && j + 8 < columns; j += 16)
                {
                    int l = Math.Min(j, columns - 16);
                    Swap16(a + l, fromStep, b + (l * toStep), toStep, 4);
                }

                for (; j < columns; j += 8)
                {
                    int l = Math.Min(j, columns - 8);
                    Swap16(a + l, fromStep, b + (l * toStep), toStep, 2);
                }
            }
        }
        else if (Avx.IsSupported && rows >= 8 && columns >= 8)
        {
            for (int i = 0; i < rows; i += 8)
                for (int k = Math.Min(i, rows - 8), j = 0; j < columns; j += 8)
                {
                    int l = Math.Min(j, columns - 8);
                    Swap8(from + (k * fromStep) + l, fromStep, to + (l * toStep) + k, toStep);
                }
        }
        else if ((Sse.IsSupported || AdvSimd.Arm64.IsSupported) && rows >= 4 && columns >= 4)
        {
            for (int i = 0; i < rows; i += 4)
                for (int k = Math.Min(i, rows - 4), j = 0; j < columns; j += 4)
                {
                    int l = Math.Min(j, columns - 4);
                    Swap4(from + (k * fromStep) + l, fromStep, to + (l * toStep) + k, toStep);
                }
        }
        else
        {
            for (int j = 0; j < columns; j++)
                for (int k = 0; k < rows; k++) to[(j * toStep) + k] = from[(k * fromStep) + j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Swap4(float* a, long s, float* b, long t)
    {
        Vector128<float> r0 = Vector128.Load(a), r1 = Vector128.Load(a + s), r2 = Vector128.Load(a + (2 * s)), r3 = Vector128.Load(a + (3 * s));
        Vector128<float> x0 = Low(r0, r2), x1 = High(r0, r2), y0 = Low(r1, r3), y1 = High(r1, r3);
        Low(x0, y0).Store(b);
        High(x0, y0).Store(b + t);
        Low(x1, y1).Store(b + (2 * t));
        High(x1, y1).Store(b + (3 * t));

        static Vector128<float> Low(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

        static Vector128<float> High(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
    }

    /// <summary>Sixteen rows of so many times four columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Swap16(float* a, long s, float* b, long t, int fours)
    {
        for (; fours > 0; fours--, a += 4, b += 4 * t)
        {
            // Rows i, i+4, i+8 and i+12 side by side, so that only shuffles within 128 bits remain.
            Vector512<float> r0 = Four(a, 4 * s), r1 = Four(a + s, 4 * s), r2 = Four(a + (2 * s), 4 * s), r3 = Four(a + (3 * s), 4 * s);
            Vector512<float> x0 = Avx512F.UnpackLow(r0, r1), x1 = Avx512F.UnpackHigh(r0, r1), x2 = Avx512F.UnpackLow(r2, r3), x3 = Avx512F.UnpackHigh(r2, r3);
            Avx512F.Shuffle(x0, x2, 0x44).Store(b);
            Avx512F.Shuffle(x0, x2, 0xEE).Store(b + t);
            Avx512F.Shuffle(x1, x3, 0x44).Store(b + (2 * t));
            Avx512F.Shuffle(x1, x3, 0xEE).Store(b + (3 * t));
        }

        static Vector512<float> Four(float* p, long apart) => Vector512.Create(
            Vector256.Create(Vector128.Load(p), Vector128.Load(p + apart)), Vector256.Create(Vector128.Load(p + (2 * apart)), Vector128.Load(p + (3 * apart))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Swap8(float* a, long s, float* b, long t)
    {
        // Rows i and i+4 side by side, so that only shuffles within 128 bits remain.
        Vector256<float> r0 = Pair(a, 4 * s), r1 = Pair(a + s, 4 * s), r2 = Pair(a + (2 * s), 4 * s), r3 = Pair(a + (3 * s), 4 * s);
        Vector256<float> r4 = Pair(a + 4, 4 * s), r5 = Pair(a + s + 4, 4 * s), r6 = Pair(a + (2 * s) + 4, 4 * s), r7 = Pair(a + (3 * s) + 4, 4 * s);
        Four(r0, r1, r2, r3, b, t);
        Four(r4, r5, r6, r7, b + (4 * t), t);

        static Vector256<float> Pair(float* p, long apart) => Vector256.Create(Vector128.Load(p), Vector128.Load(p + apart));

        static void Four(Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3, float* b, long t)
        {
            Vector256<float> x0 = Avx.UnpackLow(r0, r1), x1 = Avx.UnpackHigh(r0, r1), x2 = Avx.UnpackLow(r2, r3), x3 = Avx.UnpackHigh(r2, r3);
            Avx.Shuffle(x0, x2, 0x44).Store(b);
            Avx.Shuffle(x0, x2, 0xEE).Store(b + t);
            Avx.Shuffle(x1, x3, 0x44).Store(b + (2 * t));
            Avx.Shuffle(x1, x3, 0xEE).Store(b + (3 * t));
        }
    }
}
