using ConvNative.Problems.Rules;

namespace ConvNative.Problems.Graphs;

/// <summary>A tensor of a graph under construction; its methods add the nodes that read it. Weights of convolutions are the graph's parameters.</summary>
/// <param name="Builder">The graph.</param>
/// <param name="Id">The node that gives the tensor.</param>
public readonly record struct GraphValue(GraphBuilder Builder, int Id)
{
    /// <summary><c>[N, C, (D, (H,)) W]</c>.</summary>
    public Dims Shape => Builder.Check(this).Shape;

    /// <summary>C.</summary>
    public long Channels => Shape[1];

    private Dims Spatial => Shape.Slice(2);

    /// <summary>A correlation with <paramref name="kernel"/> on every axis.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue Conv(long channels, long kernel, ConvSettings? settings = null) => Conv(channels, Dims.Repeat(kernel, Spatial.Count), settings);

    /// <summary>A correlation; <paramref name="kernel"/> per spatial axis.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue Conv(long channels, Dims kernel, ConvSettings? settings = null) => Conv(channels, kernel, settings ?? new ConvSettings(), "conv");

    /// <summary>A depthwise correlation: each channel by itself, <paramref name="multiplier"/> outputs each. <see cref="ConvSettings.Groups"/> is not read.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue Depthwise(long kernel, ConvSettings? settings = null, long multiplier = 1) =>
        Conv(Channels * multiplier, kernel, (settings ?? new ConvSettings()) with { Groups = Channels });

    /// <summary>A transposed convolution; padding is 0 where none is given.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue ConvTransposed(long channels, long kernel, ConvSettings? settings = null)
    {
        settings ??= new ConvSettings();
        settings = settings with { Pad = settings.Pad ?? 0 };
        // The weights hold only O/G: this division must be exact before it is lost.
        if (settings.Groups > 0 && channels % settings.Groups != 0) throw new ConvProblemException("groups", $"{settings.Groups}", $"must divide the {channels} output channels");
        Dims sizes = Dims.Repeat(kernel, Spatial.Count);
        return Node(
            Spec(ConvOp.Transposed, sizes, settings) with { WeightShape = sizes.Prepend(Channels, channels / Math.Max(1, settings.Groups)) }, settings, "conv", this);
    }

    /// <summary>
    /// A deformable convolution that samples where <paramref name="offset"/> says (<c>[N, 2*OG*K*K, OH, OW]</c>), times <paramref name="mask"/>
    /// where given (<c>[N, OG*K*K, OH, OW]</c>).
    /// </summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue Deformable(long channels, long kernel, GraphValue offset, GraphValue? mask = null, ConvSettings? settings = null)
    {
        settings ??= new ConvSettings();
        Dims sizes = Dims.Repeat(kernel, Spatial.Count);
        long taps = 2 * sizes.Product;
        if (offset.Channels % taps != 0) throw new ConvProblemException("offset", offset.Shape.ToString(), $"channels must be a multiple of 2*{sizes.Product}");
        ConvSpec spec = Spec(ConvOp.Deformable, sizes, settings) with
        {
            WeightShape = sizes.Prepend(channels, Channels / Math.Max(1, settings.Groups)),
            OffsetGroups = offset.Channels / taps,
            HasMask = mask is not null,
        };
        return mask is { } m ? Node(spec, settings, "deform", this, offset, m) : Node(spec, settings, "deform", this, offset);
    }

    /// <summary>Channel shuffle: output channel <c>j*G + i</c> is input channel <c>i*(C/G) + j</c>.</summary>
    /// <exception cref="ConvProblemException">The groups do not divide the channels.</exception>
    public GraphValue Shuffle(long groups, string? name = null) =>
        Node(new ConvSpec { Op = ConvOp.ChannelShuffle, InputShape = Shape, Groups = groups }, new ConvSettings { Name = name }, "shuffle", this);

    /// <summary>
    /// Sub-pixel rearrangement (depth to space): <c>[N, C*r*r, H, W] -> [N, C, H*r, W*r]</c>, element (y*r+dy, x*r+dx) of channel c from channel
    /// <c>c*r*r + dy*r + dx</c>: col2im with kernel = stride = r (Shi et al., Real-Time Single Image and Video Super-Resolution, 2016).
    /// </summary>
    /// <exception cref="ConvProblemException">r to the power of the rank does not divide the channels.</exception>
    public GraphValue SubPixel(long r, string? name = null)
    {
        Dims kernel = Dims.Repeat(r, Spatial.Count);
        if (r < 1 || Channels % kernel.Product != 0) throw new ConvProblemException("channels", Channels.ToString(System.Globalization.CultureInfo.InvariantCulture), $"must be a multiple of {ConvText.Sizes(kernel)}");
        var spec = new ConvSpec
        {
            Op = ConvOp.Col2im,
            InputShape = [Shape[0], Channels, Spatial.Product],
            Kernel = kernel,
            Strides = kernel,
            ImageShape = Dims.Create([.. Spatial.Select(s => s * r)]),
        };
        return Node(spec, new ConvSettings { Name = name }, "sub_pixel", this);
    }

    /// <summary>The sum with <paramref name="other"/>, of the same shape.</summary>
    /// <exception cref="ConvProblemException">The shapes differ.</exception>
    public GraphValue Add(GraphValue other, string? name = null)
    {
        if (other.Shape != Shape) throw new ConvProblemException("add", other.Shape.ToString(), $"must be {Shape}, as the other term");
        (GraphValue x, int y, Dims shape) = (this, Builder.Check(other).Id, Shape);
        return Builder.Add(id => new AddNode(id, x.Builder.Name(name, "add"), [x.Id, y], shape));
    }

    /// <summary>This tensor and <paramref name="others"/> one after the other along the channels.</summary>
    /// <exception cref="ConvProblemException">Batch or spatial sizes differ.</exception>
    public GraphValue Concat(params ReadOnlySpan<GraphValue> others)
    {
        var ids = new List<int> { Id };
        long[] shape = Shape.ToArray();
        foreach (GraphValue o in others)
        {
            Dims s = Builder.Check(o).Shape;
            if (s.Count != shape.Length || s[0] != shape[0] || s.Slice(2) != Spatial) throw new ConvProblemException("concat", s.ToString(), $"must agree with {Shape} but for the channels");
            shape[1] = checked(shape[1] + s[1]);
            ids.Add(o.Id);
        }

        Dims result = Dims.Create(shape);
        GraphBuilder b = Builder;
        return Builder.Add(id => new ConcatNode(id, b.Name(null, "concat"), ids, result));
    }

    /// <summary><paramref name="activation"/> of each element.</summary>
    /// <exception cref="ConvProblemException">There is no such activation, or it lacks a parameter.</exception>
    public GraphValue Activate(Activation activation, string? name = null)
    {
        PostOpRules.Check(activation);
        (GraphValue x, Dims shape) = (this, Shape);
        return Builder.Add(id => new ActivationNode(id, x.Builder.Name(name, "act"), [x.Id], shape, activation));
    }

    /// <summary>max(x, 0).</summary>
    public GraphValue Relu() => Activate(Activation.Relu);

    /// <summary>The largest element of each window.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue MaxPool(long kernel, long stride, long pad = 0, long? padEnd = null) => Pool(PoolKind.Max, kernel, stride, pad, padEnd);

    /// <summary>The mean of each window's elements inside the input.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public GraphValue AveragePool(long kernel, long stride, long pad = 0, long? padEnd = null) => Pool(PoolKind.Average, kernel, stride, pad, padEnd);

    /// <summary>The mean of each channel, <c>[N, C, 1...]</c>.</summary>
    public GraphValue GlobalAveragePool() => Pool(new PoolWindow(PoolKind.Average, Spatial, Dims.Repeat(1, Spatial.Count), Dims.Repeat(0, Spatial.Count), Dims.Repeat(0, Spatial.Count)));

    /// <summary>Each channel times its element of <paramref name="gate"/>, <c>[N, C, 1...]</c>.</summary>
    /// <exception cref="ConvProblemException">The gate is of another shape.</exception>
    public GraphValue Scale(GraphValue gate, string? name = null)
    {
        Dims want = Dims.Repeat(1, Spatial.Count).Prepend(Shape[0], Channels), got = Builder.Check(gate).Shape;
        if (got != want) throw new ConvProblemException("gate", got.ToString(), $"must be {want}: one factor a channel");
        (GraphValue x, Dims shape) = (this, Shape);
        return Builder.Add(id => new ChannelScaleNode(id, x.Builder.Name(name, "scale"), [x.Id, gate.Id], shape));
    }

    /// <summary>A fully connected layer over all channels and positions: a correlation whose kernel is the whole input, <c>[N, O, 1...]</c>.</summary>
    public GraphValue FullyConnected(long outputs, string? name = null) => Conv(outputs, Spatial, new ConvSettings { Pad = 0, Name = name }, "fc");

    /// <inheritdoc/>
    public override string ToString() => Builder is null ? "no tensor" : $"{Builder.Check(this).Name} {Shape}";

    private GraphValue Pool(PoolKind kind, long kernel, long stride, long pad, long? padEnd)
    {
        int rank = Spatial.Count;
        return Pool(new PoolWindow(kind, Dims.Repeat(kernel, rank), Dims.Repeat(stride, rank), Dims.Repeat(pad, rank), Dims.Repeat(padEnd ?? pad, rank)));
    }

    private GraphValue Pool(PoolWindow window)
    {
        (GraphValue x, Dims shape) = (this, window.OutputSpatial(Spatial).Prepend(Shape[0], Channels));
        return Builder.Add(id => new PoolNode(id, x.Builder.Name(null, "pool"), [x.Id], shape, window));
    }

    private GraphValue Conv(long channels, Dims kernel, ConvSettings settings, string kind) =>
        Node(Spec(ConvOp.Correlation, kernel, settings) with { WeightShape = kernel.Prepend(channels, Channels / Math.Max(1, settings.Groups)) }, settings, kind, this);

    private ConvSpec Spec(ConvOp op, Dims kernel, ConvSettings s)
    {
        int rank = Spatial.Count;
        Dims dilations = s.Dilations ?? Dims.Repeat(s.Dilation, rank);
        foreach ((string field, Dims value) in new[] { ("kernel", kernel), ("dilations", dilations) })
            if (value.Count != rank) throw new ConvProblemException(field, value.ToString(), $"must have {rank} entries, one for each spatial axis");
        var half = new long[rank];
        for (int i = 0; i < rank; i++) half[i] = s.Pad ?? (kernel[i] - 1) * dilations[i] / 2;
        return new ConvSpec
        {
            Op = op,
            InputShape = Shape,
            Strides = s.Strides ?? Dims.Repeat(s.Stride, rank),
            Dilations = dilations,
            PadsBegin = s.PadsBegin ?? Dims.Create(half),
            PadsEnd = s.PadsEnd ?? Dims.Create(half),
            OutputPadding = s.OutputPadding,
            Groups = s.Groups,
            HasBias = s.Bias,
        };
    }

    private static GraphValue Node(ConvSpec spec, ConvSettings settings, string kind, params ReadOnlySpan<GraphValue> inputs)
    {
        GraphBuilder builder = inputs[0].Builder;
        ConvProblem p = spec.Build();
        var ids = new int[inputs.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = builder.Check(inputs[i]).Id;
        if (inputs.Length > 1) Same("offset", inputs[1].Shape, p.OffsetShape);
        if (inputs.Length > 2) Same("mask", inputs[2].Shape, p.MaskShape);
        return builder.Add(id => new ConvNode(id, builder.Name(settings.Name, kind), ids, p));
    }

    private static void Same(string field, Dims got, Dims want)
    {
        if (got != want) throw new ConvProblemException(field, got.ToString(), $"must be {want}");
    }
}
