using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Choice;

/// <summary>Which kernels oneDNN looks at: the two kinds select different ones, and either may be the slower.</summary>
internal enum PropagationKind
{
    Inference,
    Training,
}

/// <summary>Where activations are stored while oneDNN computes.</summary>
internal enum ActivationLayout
{
    /// <summary>As the caller stores them: no reorder of ours.</summary>
    Caller,

    /// <summary>As oneDNN likes them.</summary>
    Any,

    /// <summary>Channels last.</summary>
    ChannelsLast,

    /// <summary>Channels first.</summary>
    ChannelsFirst,
}

/// <summary>One way to compute a problem with oneDNN.</summary>
internal readonly record struct OneDnnCandidate(PropagationKind Kind, ActivationLayout Layout, int Threads)
{
    // Below this many multiply-adds waking a second thread costs more than it brings (2.7 us measured).
    private const long SmallWork = 100_000;

    public override string ToString() => $"{(Kind == PropagationKind.Inference ? "inference" : "training")}/{Names.Of(Layout)}/{Threads}t";

    /// <summary>Its name among candidates for at most <paramref name="threads"/> threads: how many there are is the machine's affair, that one is enough the problem's.</summary>
    public string NameFor(int threads) => $"{(Kind == PropagationKind.Inference ? "inference" : "training")}/{Names.Of(Layout)}{(Threads == threads ? "" : "/1t")}";

    /// <summary>The ways worth trying, the statically best first.</summary>
    public static List<OneDnnCandidate> For(ConvProblem p, int threads)
    {
        bool free = p.InputLayout == Problems.Layout.Any || p.OutputLayout == Problems.Layout.Any;
        bool last = p.InputLayout == Problems.Layout.ChannelsLast && p.OutputLayout == Problems.Layout.ChannelsLast;
        bool small = p.MultiplyAdds < SmallWork;
        var layouts = new List<ActivationLayout>();
        if (!last && !free && IsLayoutFree(p.InputShape) && IsLayoutFree(p.OutputShape)) layouts.AddRange([ActivationLayout.ChannelsLast, ActivationLayout.Any, ActivationLayout.Caller]);
        else if (free) layouts.AddRange([ActivationLayout.Any, ActivationLayout.ChannelsLast, ActivationLayout.ChannelsFirst]);
        else if (last) layouts.AddRange([ActivationLayout.Caller, ActivationLayout.Any]);
        else if (PrefersReorders(p)) layouts.AddRange([ActivationLayout.Any, ActivationLayout.Caller, ActivationLayout.ChannelsLast]);
        else layouts.AddRange([ActivationLayout.Caller, ActivationLayout.Any, ActivationLayout.ChannelsLast]);

        // Measured on Zen 5 with oneDNN 3.7: depthwise wants the training kernels, backward data channels last.
        PropagationKind first = p.IsDepthwise && (free || small) ? PropagationKind.Training : PropagationKind.Inference;
        PropagationKind second = first == PropagationKind.Inference ? PropagationKind.Training : PropagationKind.Inference;
        if (free && p.Direction == Direction.BackwardData) (layouts[0], layouts[1]) = (layouts[1], layouts[0]);
        if (free && p.Direction == Direction.BackwardWeights && p.Groups > 1 && !p.IsDepthwise) (layouts[0], layouts[1]) = (layouts[1], layouts[0]);
        int usual = small ? 1 : threads;
        var result = new List<OneDnnCandidate>();
        foreach (int t in threads == 1 || p.MultiplyAdds > 100 * SmallWork ? [usual] : new[] { usual, usual == 1 ? threads : 1 })
        {
            foreach (ActivationLayout layout in layouts)
            {
                result.Add(new OneDnnCandidate(first, layout, t));
                // The kind is a hint of the forward direction only.
                if (p.Direction == Direction.Forward) result.Add(new OneDnnCandidate(second, layout, t));
            }
        }

        return result;
    }

    // One channel or one pixel: channels first and channels last are the same bytes, and oneDNN is better at the latter.
    private static bool IsLayoutFree(Dims shape) => shape[1] == 1 || shape.Slice(2).Product == 1;

    // Plain channels-first kernels transpose inside; small images and transposed convolutions lose more by that than by two reorders.
    private static bool PrefersReorders(ConvProblem p) =>
        p.MultiplyAdds >= SmallWork && !p.IsDepthwise && (p.Op == ConvOp.Transposed || p.OutputSpatial.Product <= 64);
}
