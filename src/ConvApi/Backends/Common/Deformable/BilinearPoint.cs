namespace ConvNative.Backends.Common.Deformable;

/// <summary>Where a tap of a deformable convolution looks: four neighbouring pixels, -1 for those outside, the place between them, the mask.</summary>
internal struct BilinearPoint
{
    /// <summary>Pixel <c>h*W + w</c> above and to the left.</summary>
    public int TopLeft;

    public int TopRight;

    public int BottomLeft;

    public int BottomRight;

    /// <summary>Distance from the upper pixels, in [0, 1).</summary>
    public float Y;

    /// <summary>Distance from the left pixels, in [0, 1).</summary>
    public float X;

    public float Mask;
}
