using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>
/// What the gradients share that need the columns' gradient, <c>dcolumns = dy * W</c>: packed weights, a matrix of
/// <c>[O/G, taps*width]</c> for each piece of <see cref="Width"/> channels, and the output's gradient as rows of pixels.
/// </summary>
internal abstract unsafe class DeformBackwardPlan : DeformPlan
{
    private const int ConvertedPixels = 128;
    private float* _convertedGradient;
    private DnnlMemory[] _weights = [];
    private DnnlMemory[] _tailWeights = [];

    /// <summary>Weights are cut into pieces of at most <paramref name="wantedWidth"/> channels, equal in size, the last filled with zeros.</summary>
    protected DeformBackwardPlan(ConvProblem p, int threads, int wantedWidth)
        : base(p, threads)
    {
        Pieces = (GroupChannels + wantedWidth - 1) / wantedWidth;
        Width = (GroupChannels + Pieces - 1) / Pieces;
        Block = BlockOf(Plane, Math.Clamp(640 * 1024 / (Taps * Width * Groups * sizeof(float)), 16, 128));
        if (!OutputLast) _convertedGradient = (float*)AllocateWorkspace(p.OutputShape.Product * sizeof(float));
    }

    /// <summary>Pieces of a group's channels.</summary>
    protected int Pieces { get; }

    /// <summary>Channels of a piece.</summary>
    protected int Width { get; }

    /// <summary>Output pixels of a block.</summary>
    protected int Block { get; }

    protected int Blocks => (Plane + Block - 1) / Block;

    protected override IEnumerable<string> OwnNotes =>
    [
        $"blocks of {Block} pixels, pieces of {Width} channels",
        .. OutputLast ? Array.Empty<string>() : ["output gradient copied to channels-last"],
    ];

    protected OneDnnMatmul Full { get; private set; } = null!;

    protected OneDnnMatmul Tail { get; private set; } = null!;

    /// <summary>Makes the products: rows of the columns' gradient are <paramref name="columnStep"/> apart.</summary>
    protected void MakeProducts(long columnStep)
    {
        Full = Product(Block, null);
        int rest = Plane - ((Blocks - 1) * Block);
        Tail = rest == Block ? Full : LastProduct(Full, like => Product(rest, like));
        (_weights, _tailWeights) = WeightsFor(Full, Tail, Groups * Pieces);

        OneDnnMatmul Product(int rows, DnnlMemoryDescHandle? like)
        {
            // One column must be dense (see the forward plan).
            long n = (long)Taps * Width;
            var m = Keep(new OneDnnMatmul(new Matrix(rows, GroupOutputs, Outputs), like, n, new Matrix(rows, n, n == 1 ? 1 : columnStep), bias: false, PostOps.None, Threads));
            CountWorkspace(m.ScratchpadBytes);
            return m;
        }
    }

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        long k = (long)Taps * Width;
        using var plain = new AlignedBuffer(checked(k * GroupOutputs * sizeof(float)));
        for (int piece = 0; piece < _weights.Length; piece++)
        {
            int group = piece / Pieces, from = piece % Pieces * Width;
            var to = (float*)plain.Pointer;
            for (long o = (long)group * GroupOutputs; o < (group + 1L) * GroupOutputs; o++)
                for (int tap = 0; tap < Taps; tap++)
                    for (int c = from; c < from + Width; c++) *to++ = c < GroupChannels ? ((float*)weights)[WeightOffset(o, c, tap)] : 0;
            Pack((float*)plain.Pointer, GroupOutputs, k, k, 1, _weights[piece], _tailWeights[piece]);
        }
    }

    protected override void Renew()
    {
        base.Renew();
        _convertedGradient = Another(_convertedGradient);
        (Full, Tail) = Forked(Full, Tail);
    }

    /// <summary>Converts the output's gradient, where it is needed.</summary>
    protected void ConvertGradient(int phase)
    {
        if (_convertedGradient != null) RunPhase(phase, Problem.Batch * ((Plane + ConvertedPixels - 1) / ConvertedPixels));
    }

    /// <summary>One part of <see cref="ConvertGradient"/>.</summary>
    protected void ConvertGradientPart(long part)
    {
        int blocks = (Plane + ConvertedPixels - 1) / ConvertedPixels, first = (int)(part % blocks) * ConvertedPixels;
        long n = part / blocks, image = n * Outputs * Plane;
        Transposition.ToPixels((float*)Now.OutputGradient + image + first, 1, Plane, _convertedGradient + image + ((long)first * Outputs), Outputs, Math.Min(ConvertedPixels, Plane - first), Outputs);
    }

    /// <summary>The columns' gradient of a piece at the pixels of a block.</summary>
    protected void Multiply(int worker, long n, int block, int group, int piece, float* columns)
    {
        float* gradient = OutputLast ? (float*)Now.OutputGradient : _convertedGradient;
        (OneDnnMatmul product, DnnlMemory[] weights) = PixelsOf(block) == Block ? (Full, _weights) : (Tail, _tailWeights);
        product.Run(worker, gradient + (((n * Plane) + ((long)block * Block)) * Outputs) + ((long)group * GroupOutputs), weights[(group * Pieces) + piece].Data, null, columns);
    }

    protected int PixelsOf(int block) => Math.Min(Block, Plane - (block * Block));
}
