namespace ConvNative.Backends.Managed;

/// <summary>Changes between pixel-major and channel-major order.</summary>
internal static unsafe class Transposition
{
    /// <summary>Pixel-major rows of <paramref name="width"/> elements to channels <paramref name="channelStep"/> apart.</summary>
    public static void ToChannels<T>(T* from, int width, T* to, long channelStep, long pixelStep, int pixels, int channels)
        where T : unmanaged
    {
        for (int c = 0; c < channels; c++)
        {
            T* y = to + (c * channelStep), x = from + c;
            if (pixelStep == 1)
                for (int p = 0; p < pixels; p++) y[p] = x[(long)p * width];
            else
                for (int p = 0; p < pixels; p++) y[p * pixelStep] = x[(long)p * width];
        }
    }

    /// <summary>Channels <paramref name="channelStep"/> apart to pixel-major rows of <paramref name="width"/> elements.</summary>
    public static void ToPixels<T>(T* from, long pixelStep, long channelStep, T* to, int width, int pixels, int channels)
        where T : unmanaged
    {
        for (int p = 0; p < pixels; p++)
        {
            T* y = to + ((long)p * width), x = from + (p * pixelStep);
            for (int c = 0; c < channels; c++) y[c] = x[c * channelStep];
        }
    }
}
