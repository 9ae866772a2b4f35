namespace ConvNative.Problems.Language;

/// <summary>
/// The descriptor, <c>g2mb1ic4ih7oc6kh3ph1n"name"</c>, and benchdnn's deductions: a missing output follows from symmetric pads, a
/// missing pad from the output; h alone stands for h and w, d alone for d, h and w. Zero counts as not given, but for mb and p.
/// </summary>
internal sealed class ProblemDescriptor
{
    private const string FieldList = "a field: g, mb, ic, oc, i/o/k/s/p/d followed by d, h or w, or n\"name\"";
    private static readonly string[] FieldNames =
        ["g", "mb", "ic", "oc", .. from f in "iokspd" from x in "dhw" select $"{f}{x}"];

    private readonly Dictionary<string, long> _values = [];
    private readonly ProblemToken _token;

    public ProblemDescriptor(ProblemToken token)
    {
        _token = token;
        string t = token.Text;
        for (int i = 0; i < t.Length;)
        {
            if (t[i] == '_')
            {
                i++;
                continue;
            }

            if (t[i] == 'n')
            {
                Name = ProblemName.Read(t[(i + 1)..]);
                return;
            }

            string? field = Array.Find(FieldNames, f => string.CompareOrdinal(t, i, f, 0, f.Length) == 0);
            if (field is null) throw token.Error(i, $"no field begins with '{t[i]}'", FieldList);
            int at = i, digits = i += field.Length;
            while (i < t.Length && char.IsAsciiDigit(t[i])) i++;
            if (i == digits) throw token.Error(digits, $"field '{field}' has no value", $"a whole number after '{field}'");
            if (!long.TryParse(t.AsSpan(digits, i - digits), out long value)) throw token.Error(digits, $"field '{field}' is too large", "a number below 2^60");
            if (_values.TryGetValue(field, out long before) && before != value) throw token.Error(at, $"field '{field}' is given twice, as {before} and {value}", "each field once");
            _values[field] = value;
        }
    }

    public string? Name { get; }

    /// <summary>The geometry as a spec for <paramref name="op"/>; positions in messages are this descriptor's.</summary>
    public ConvSpec ToSpec(ConvOp op, long mb, IReadOnlyList<long> outputPadding)
    {
        if (op == ConvOp.ChannelShuffle) Refuse(op, "oc", "od", "oh", "ow", "kd", "kh", "kw", "sd", "sh", "sw", "pd", "ph", "pw", "dd", "dh", "dw");
        Axis[] axes = Axes(op, outputPadding);
        int rank = axes.Length;
        long n = mb > 0 ? mb : Get("mb", 2), g = Get("g", 1);
        if (g < 1) throw new ConvProblemException("groups", "0", "must be at least 1");
        long ic = op == ConvOp.Col2im ? 0 : Channels("ic");
        Dims input = Map(a => a.I), output = Map(a => a.O), kernel = Map(a => a.K), pads = Map(a => a.P);
        var spec = new ConvSpec
        {
            Op = op,
            Groups = g,
            InputShape = input.Prepend(n, ic),
            Strides = Map(a => a.S),
            Dilations = Map(a => a.D + 1),
            PadsBegin = pads,
            OutputPadding = op == ConvOp.Transposed && outputPadding.Count > 0 ? Padding(outputPadding, rank) : null,
            Name = Name,
        };
        switch (op)
        {
            case ConvOp.ChannelShuffle:
                return spec with { Strides = null, Dilations = null, PadsBegin = null };
            case ConvOp.Im2col:
                Optional("oc", ic * kernel.Product, "ic times the kernel's elements");
                return Trailing(spec with { Kernel = kernel });
            case ConvOp.Col2im:
                long oc = Channels("oc");
                Optional("ic", oc * kernel.Product, "oc times the kernel's elements");
                return spec with
                {
                    InputShape = [n, checked(oc * kernel.Product), input.Product],
                    Kernel = kernel,
                    ImageShape = output,
                    PadsEnd = Map(a => ConvGeometry.ImpliedPadEnd(a.O, a.I, a.K, a.S, a.D + 1, a.P)),
                    ImpliedTrailingPads = true,
                };
            case ConvOp.Transposed:
                // The weights hold only O/G: this division must be exact before it is lost.
                if (Channels("oc") % g != 0) throw new ConvProblemException("groups", $"{g}", $"must divide the {Channels("oc")} output channels");
                return Trailing(spec with { WeightShape = kernel.Prepend(ic, Channels("oc") / g) });
            default:
                return Trailing(spec with { WeightShape = kernel.Prepend(Channels("oc"), ic / g) });
        }

        Dims Map(Func<Axis, long> f) => Dims.Create([.. axes.Select(f)]);

        // Where no output fits, symmetric pads let the general rules say why.
        ConvSpec Trailing(ConvSpec s) => Array.Exists(axes, a => a.O < 1) ? s with { PadsEnd = pads } : s with { OutputShape = output, ImpliedTrailingPads = true };
    }

    private static Dims Padding(IReadOnlyList<long> given, int rank)
    {
        if (given.Count != 1 && given.Count != rank)
            throw new ConvProblemException("output_padding", string.Join('x', given), $"must be one number or {rank}, one for each spatial axis");
        return given.Count == 1 ? Dims.Repeat(given[0], rank) : Dims.Create([.. given]);
    }

    private long Get(string field, long fallback) => _values.GetValueOrDefault(field, fallback);

    private long Channels(string field) => Get(field, 0) is > 0 and var v ? v : throw Missing(field);

    private ProblemSyntaxException Missing(string field) =>
        _token.Error(_token.Text.Length, $"'{field}' is not given or is 0 in '{_token.Text}'", $"{field} followed by a size of at least 1");

    private void Refuse(ConvOp op, params ReadOnlySpan<string> fields)
    {
        foreach (string f in fields)
            if (_values.ContainsKey(f)) throw _token.Error(0, $"'{f}' has no meaning for {Names.Of(op)}", "g, mb, ic and the sizes id, ih, iw");
    }

    private void Optional(string field, long value, string rule)
    {
        if (Get(field, value) != value) throw _token.Error(0, $"'{field}' is {Get(field, 0)} and must be {value}", $"{rule}, or no {field}");
    }

    private Axis[] Axes(ConvOp op, IReadOnlyList<long> outputPadding)
    {
        Axis? d = Read(op, 'd', 0, outputPadding), h = Read(op, 'h', 1, outputPadding), w = Read(op, 'w', 2, outputPadding);
        if (d is not null && h is null && w is null)
        {
            h = Read(op, 'd', 1, outputPadding);
            w = Read(op, 'd', 2, outputPadding);
        }
        else if (d is null && h is not null && w is null)
        {
            w = Read(op, 'h', 2, outputPadding);
        }

        if (d is not null) return [d.Value, h ?? throw Missing("ih"), w ?? throw Missing("iw")];
        if (h is not null) return [h.Value, w!.Value];
        if (w is not null) return [w.Value];
        throw _token.Error(_token.Text.Length, "there is no spatial axis", op == ConvOp.ChannelShuffle ? "iw, ih or id" : "iw and kw, ih and kh, or id and kd");
    }

    /// <summary>What the fields of axis <paramref name="x"/> say for the axis with this index (d, h, w = 0, 1, 2); null when they say nothing.</summary>
    private Axis? Read(ConvOp op, char x, int index, IReadOnlyList<long> outputPadding)
    {
        long i = Get($"i{x}", 0), o = Get($"o{x}", 0), k = Get($"k{x}", 0), s = Get($"s{x}", 1), p = Get($"p{x}", -1), d = Get($"d{x}", 0);
        if ((i | o | k | d) == 0 && s == 1 && p < 1) return null;
        if (i == 0) throw Missing($"i{x}");
        if (op == ConvOp.ChannelShuffle) return new Axis(i, i, 1, 1, 0, 0);
        if (k == 0) throw Missing($"k{x}");
        if (s == 0) throw new ConvProblemException("strides", $"s{x}0", "must be at least 1");

        // benchdnn reads a missing output size with zero or the given pads, and a missing pad with half of what the output needs.
        bool transposed = op is ConvOp.Transposed or ConvOp.Col2im;
        long begin = Math.Max(p, 0), op1 = op == ConvOp.Transposed ? At(outputPadding, index) : 0;
        if (o == 0)
            o = transposed ? ConvGeometry.TransposedOutputSize(i, k, s, d + 1, begin, begin, op1) : ConvGeometry.OutputSize(i, k, s, d + 1, begin, begin);
        else if (p < 0)
            begin = (transposed ? ConvGeometry.TransposedOutputSize(i, k, s, d + 1, 0, 0, op1) - o : ConvGeometry.ImpliedPadEnd(i, o, k, s, d + 1, 0)) / 2;
        return new Axis(i, o, k, s, begin, d);
    }

    /// <summary>The number for axis d, h or w of a list that has one entry for all, or one for each axis (the last is w).</summary>
    private static long At(IReadOnlyList<long> list, int index) =>
        list.Count == 0 ? 0 : list.Count == 1 ? list[0] : index - (3 - list.Count) is >= 0 and var i ? list[i] : 0;

    /// <summary>Sizes of one axis; D as written, 0 = dense.</summary>
    private readonly record struct Axis(long I, long O, long K, long S, long P, long D);
}
