using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>
/// What the directions of a deformable convolution share: columns of samples for as many images as fit a share of the memory, and the
/// product with them as a plan inside this one.
/// </summary>
internal abstract class DeformPlan : ClPlan
{
    // Columns are taps times as large as the input: more than this at once leaves the caches anyway.
    private const long ColumnBytes = 32L << 20;

    private readonly long _strideRow;
    private readonly long _stridePosition;
    private readonly ClMemHandle _numbers;
    private readonly string _options;

    protected DeformPlan(ClRequest request, Direction product)
        : base(request, "opencl:deform")
    {
        ConvProblem p = request.Problem;
        int size = p.InputType.SizeOf();
        Rows = checked(p.InputChannels * p.Kernel.Product);
        Positions = p.OutputSpatial.Product;
        ImageBytes = checked(Rows * Positions * size);
        Chunk = Math.Max(1, p.Batch);
        while (Chunk > 1 && (p.Batch % Chunk != 0 || ImageBytes * Chunk > ColumnBytes)) Chunk--;
        bool last = p.OutputLayout == Layout.ChannelsLast;
        (_strideRow, _stridePosition) = last ? (1L, Rows) : (Positions, 1L);

        var geometry = new ClGeometry(p);
        geometry.Set(ClNumber.Flip, p.WeightLayout == Layout.ChannelsLast ? 1 : 0);
        _numbers = Numbers(geometry);
        _options = request.Types.Options;
        Columns = AllocateWorkspace(ImageBytes * Chunk);
        Layout layout = last ? Layout.ChannelsLast : Layout.ChannelsFirst;
        Product = OwnPlan(Inside(new ConvSpec
        {
            Direction = product,
            InputShape = [Math.Min(Chunk, p.Batch), Rows, Positions],
            WeightShape = [p.OutputChannels, Rows / p.Groups, 1],
            Groups = p.Groups,
            HasBias = p.HasBias && product == Direction.Forward,
            PostOps = p.PostOps,
            InputType = p.InputType,
            WeightType = p.WeightType,
            OutputType = p.OutputType,
            InputLayout = layout,
            OutputLayout = layout,
        }.Build()));
    }

    public override IReadOnlyList<string> Notes =>
        [$"samples as columns of {Chunk} image{(Chunk == 1 ? "" : "s")} at a time; product: {Product.Implementation}", "deterministic: no work-item adds to another's element"];

    protected long Rows { get; }

    protected long Positions { get; }

    /// <summary>Images that are computed at once; divides the batch.</summary>
    protected long Chunk { get; }

    /// <summary>Bytes of one image's columns.</summary>
    protected long ImageBytes { get; }

    protected ClMemHandle Columns { get; }

    /// <summary>The product of weights and columns, in one of its directions.</summary>
    protected ClPlan Product { get; }

    protected long OutputImageBytes => Problem.Batch == 0 ? 0 : OutputBytes / Problem.Batch;

    protected override void PackWeights() => Product.SetWeights(Weights!.Raw, Bias?.Raw ?? default);

    /// <summary>A plan of another problem on the same device.</summary>
    protected ClPlan Inside(ConvProblem problem)
    {
        PlanResult r = ClRoutines.Create(problem, Request.Device, Request.Options with { MaxWorkspaceBytes = long.MaxValue });
        return (ClPlan?)r.Plan ?? throw new ConvNativeException(OpenClBackend.EngineName, $"no routine for the product {problem}: {r.Reason}", problem: Problem);
    }

    /// <summary>A kernel of deform.cl with the arguments that stay.</summary>
    protected ClKernel DeformKernel(string name)
    {
        ClKernel k = Kernel("deform", name, _options);
        k.Set(0, _numbers);
        k.Set(6, ImageBytes / Problem.InputType.SizeOf());
        k.Set(7, _strideRow);
        k.Set(8, _stridePosition);
        return k;
    }

    /// <summary>The images of <paramref name="whole"/> from <paramref name="first"/> on: itself, or a copy in <paramref name="part"/>.</summary>
    protected ClMem Part(ClMem whole, ClMemHandle? part, long first)
    {
        if (part is null || whole.IsNull) return whole;
        Request.Device.Copy(whole, first * OutputImageBytes, part.Raw, 0, Chunk * OutputImageBytes);
        return part.Raw;
    }

    /// <summary>Memory for the output (or its gradient, or the residual) of some images; null where all are computed at once.</summary>
    protected ClMemHandle? PartOfOutput(bool needed = true) => needed && Chunk < Problem.Batch ? AllocateWorkspace(Chunk * OutputImageBytes) : null;
}
