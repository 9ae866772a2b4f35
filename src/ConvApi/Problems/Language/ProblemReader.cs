namespace ConvNative.Problems.Language;

/// <summary>Walks tokens: knobs change the settings, a descriptor makes problems of all combinations of their values.</summary>
internal sealed class ProblemReader
{
    private readonly Func<string, string?>? _reader;
    private readonly bool _single;
    private readonly ProblemSettings _settings = new();
    private readonly List<ConvProblem> _problems = [];
    private readonly List<UnsupportedProblem> _unsupported = [];
    private readonly List<ProblemNote> _notes = [];
    private readonly List<MatchFilter> _filters = [];
    private readonly List<ProblemToken> _waiting = [];
    private readonly List<(string File, string Directory)> _including = [];

    private ProblemReader(Func<string, string?>? reader, bool single) => (_reader, _single) = (reader, single);

    public static ConvProblem One(ProblemSource source)
    {
        var r = new ProblemReader(null, single: true);
        r.Run(source.Tokens());
        if (r._problems.Count > 0 && r._waiting.Count > 0) throw r._waiting[0].Error(0, $"'{r._waiting[0].Text}' comes after the problem and changes nothing", "knobs before the problem");
        if (r._problems.Count == 1) return r._problems[0];
        throw source.Error(source.Text.Length, r._problems.Count == 0 ? "there is no problem here" : $"the text makes {r._problems.Count} problems", "one problem, such as ic3ih8oc4kh3ph1");
    }

    public static ProblemList File(string path, Func<string, string?>? reader)
    {
        var r = new ProblemReader(reader, single: false);
        r.Include(path, r.Read(path) ?? throw new FileNotFoundException($"there is no file '{path}'", path));
        return r.Result();
    }

    public static ProblemList Arguments(IEnumerable<string> arguments, string directory, Func<string, string?>? reader)
    {
        var r = new ProblemReader(reader, single: false);
        r._including.Add(("", directory));
        r.Run(ProblemSource.FromArguments(arguments));
        return r.Result();
    }

    private ProblemList Result()
    {
        Drop("no problem follows it, so that it changes nothing; knobs go before the problems that they are for", _ => true);
        foreach (MatchFilter f in _filters)
            if (f.LeftOut > 0) _notes.Add(new ProblemNote(f.Token.Text, $"left out {f.LeftOut} problems that do not match", f.Token.Source.File, f.Token.Line));
        return new ProblemList(_problems, _unsupported, _notes);
    }

    private void Run(List<ProblemToken> tokens)
    {
        foreach (ProblemToken token in tokens)
        {
            if (!token.Text.StartsWith('-'))
            {
                Expand(token);
                _waiting.Clear();
            }
            else if (token.Text.StartsWith("--batch=", StringComparison.Ordinal))
            {
                TokenPart name = token.Part(8, token.Text.Length - 8).Unquoted();
                if (_single) throw token.Error(0, "--batch makes a list", "one problem; lists are for files and command lines");
                Find(name);
            }
            else if (_settings.Set(token) is { } note)
            {
                _notes.Add(new ProblemNote(token.Text, note, token.Source.File, token.Line));
            }
            else if (token.Text == "--reset")
            {
                Drop("--reset comes before any problem does, so that it changes nothing", knob => knob.Text is not ("--conv" or "--deconv"));
            }
            else
            {
                _waiting.Add(token);
            }
        }
    }

    /// <summary>Notes the knobs that no problem has seen; in the text of one problem the first is an error.</summary>
    private void Drop(string reason, Predicate<ProblemToken> which)
    {
        if (_single && _waiting.Find(which) is { } first) throw first.Error(0, $"'{first.Text}': {reason}", "knobs between --reset and the problem");
        foreach (ProblemToken knob in _waiting.FindAll(which)) _notes.Add(new ProblemNote(knob.Text, reason, knob.Source.File, knob.Line) { IsWarning = true });
        _waiting.RemoveAll(which);
    }

    private string? Read(string path) => _reader is not null ? _reader(path) : System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path) : null;

    /// <summary>Beside the including file, beside those that include it, then in the directories above.</summary>
    private void Find(TokenPart name)
    {
        List<string> directories = [.. Enumerable.Reverse(_including).Select(i => i.Directory)];
        string? above = directories[0];
        if (_reader is null) above = Path.GetFullPath(above.Length == 0 ? "." : above);
        while (!string.IsNullOrEmpty(above = Path.GetDirectoryName(above))) directories.Add(above);
        if (_reader is not null) directories.Add("");
        foreach (string d in directories.Distinct())
        {
            string path = Path.Combine(d, name.Text);
            if (Read(path) is not { } text) continue;
            if (_including.Exists(i => i.File == path)) throw name.Error($"'{name.Text}' includes itself", "a file that is not being read already");
            Include(path, text);
            return;
        }

        throw name.Error($"there is no file '{name.Text}'", $"a file in {string.Join(", ", directories.Distinct().Select(d => $"'{d}'"))}");
    }

    private void Include(string path, string text)
    {
        _including.Add((path, Path.GetDirectoryName(path) ?? ""));
        Run(new ProblemSource(path, text).Tokens());
        _including.RemoveAt(_including.Count - 1);
    }

    /// <summary>The loops nest as benchdnn's do: directions outermost, batch sizes innermost.</summary>
    private void Expand(ProblemToken token)
    {
        var descriptor = new ProblemDescriptor(token);
        ProblemSettings s = _settings;
        foreach (var op in s.Op)
        foreach (var dir in s.Dir)
        foreach (var types in s.Types)
        foreach (var bias in s.BiasTypes)
        foreach (var stag in s.Stag)
        foreach (var wtag in s.Wtag)
        foreach (var dtag in s.Dtag)
        foreach (var attributes in Combinations([.. s.Attributes.Values]))
        foreach (var post in s.PostOps)
        foreach (var quant in s.Quantizations)
        foreach (var mode in s.PadMode)
        foreach (var limit in s.PadLimit)
        foreach (var groups in s.OffsetGroups)
        foreach (var mask in s.Mask)
        foreach (var extra in s.OutputPadding)
        foreach (var mb in s.Mb)
        {
            List<(TokenPart? Written, ProblemSyntaxException? Refusal)> used =
            [
                (op.Written, op.Refusal), (dir.Written, dir.Refusal), (types.Written, types.Refusal), (bias.Written, bias.Refusal), (stag.Written, stag.Refusal), (wtag.Written, wtag.Refusal),
                (dtag.Written, dtag.Refusal), .. attributes.Select(a => (a.Written, a.Refusal)), (post.Written, post.Refusal), (quant.Written, quant.Refusal), (mode.Written, mode.Refusal),
                (limit.Written, limit.Refusal), (groups.Written, groups.Refusal), (mask.Written, mask.Refusal), (extra.Written, extra.Refusal), (mb.Written, mb.Refusal),
            ];
            string text = $"{(s.Deconvolution ? "--deconv " : "")}{string.Concat(used.Where(u => u.Written is { Length: > 0 }).Select(u => Knob(u.Written!.Value)))}{token.Text}";
            if (used.Find(u => u.Refusal is not null).Refusal is { } refusal)
            {
                Unsupported(token, text, refusal.Reason, refusal);
                continue;
            }

            ConvOp what = op.Value ?? (s.Deconvolution ? ConvOp.Transposed : ConvOp.Correlation);
            try
            {
                ConvSpec spec = descriptor.ToSpec(what, mb.Value, extra.Value);
                bool weights = what is not (ConvOp.ChannelShuffle or ConvOp.Im2col or ConvOp.Col2im);
                int rank = what == ConvOp.Col2im ? spec.ImageShape!.Value.Count : spec.InputShape.Count - 2;
                // Weights with groups have an axis more, which letters count and which changes no order.
                bool grouped = spec.Groups > 1 && wtag.Value.Layout == Layout.ChannelsFirst && wtag.Written?.Text.StartsWith("abc", StringComparison.Ordinal) == true;
                ProblemSyntaxException? wrong = WrongRank(stag, rank) ?? WrongRank(wtag, grouped && wtag.Value.Rank == rank + 1 ? rank + 1 : rank) ?? WrongRank(dtag, rank);
                if (wrong is not null)
                {
                    Unsupported(token, text, wrong.Reason, wrong);
                    continue;
                }

                var problem = new ConvProblem(spec with
                {
                    Direction = dir.Value.Direction,
                    HasBias = (dir.Value.Bias ?? weights) || bias.Value is not null,
                    InputType = types.Value.Input,
                    WeightType = types.Value.Weights,
                    OutputType = types.Value.Output,
                    InputLayout = stag.Value.Layout,
                    WeightLayout = wtag.Value.Layout,
                    OutputLayout = dtag.Value.Layout,
                    PostOps = post.Value,
                    Quantization = quant.Value,
                    PaddingMode = mode.Value.Mode,
                    PadValue = mode.Value.Value,
                    UnlimitedExtension = limit.Value,
                    OffsetGroups = groups.Value,
                    HasMask = mask.Value,
                });
                if (WrongBias(bias, dir.Value, weights, problem) is { } other)
                {
                    Unsupported(token, text, other.Reason, other);
                    continue;
                }

                Add(token, problem);
            }
            catch (ConvProblemException e) when (!_single)
            {
                // benchdnn runs what its lists combine and counts the impossible ones; types and post-ops are such combinations.
                if (e.Field is not ("data_type" or "activation")) throw token.Error(0, e.Message, "a problem that keeps this rule", e);
                Unsupported(token, text, e.Message, e);
            }
            catch (OverflowException e)
            {
                throw token.Error(0, "the sizes are too large", "sizes whose products fit 60 bits", e);
            }
        }
    }

    private static string Knob(TokenPart written) => $"{written.Token.Text[..(written.Token.Text.IndexOf('=', StringComparison.Ordinal) + 1)]}{written.Text} ";

    private static ProblemSyntaxException? WrongRank(Choice<ProblemTag> tag, int rank)
    {
        if (tag.Value.Rank == 0 || tag.Value.Rank == rank) return null;
        TokenPart written = tag.Written!.Value;
        return written.Error($"layout '{written.Text}' is for {tag.Value.Rank} spatial axes and the problem has {rank}", "abx, axb or any, which fit every rank");
    }

    /// <summary>
    /// As benchdnn: a direction without a bias gets one of the type that is named, a direction with one keeps its own type, and the gradient
    /// of the data has none. The bias of a problem here has one type, which follows the input's.
    /// </summary>
    private ProblemSyntaxException? WrongBias(Choice<DataType?> bias, (Direction Direction, bool? Bias) dir, bool weights, ConvProblem p)
    {
        if (bias.Value is not { } type || !p.HasBias || type == p.BiasType) return null;
        TokenPart written = bias.Written!.Value;
        string reason = $"a bias of {type.Name()} is not supported with {p.InputType.Name()}: it is {p.BiasType.Name()}";
        if (!(dir.Bias ?? weights)) return written.Error(reason, $"--bia-dt={p.BiasType.Name()}");
        ProblemToken knob = written.Token;
        if (_single) throw written.Error(reason, $"no --bia-dt, or {p.BiasType.Name()}");
        var note = new ProblemNote(knob.Text, $"a direction with a bias has one of {p.BiasType.Name()}, whatever --bia-dt says; FWD_D, FWD_I and BWD_W take the type", knob.Source.File, knob.Line) { IsWarning = true };
        if (!_notes.Contains(note)) _notes.Add(note);
        return null;
    }

    private static IEnumerable<List<Choice<bool>>> Combinations(List<List<Choice<bool>>> lists)
    {
        IEnumerable<List<Choice<bool>>> all = [[]];
        foreach (List<Choice<bool>> list in lists) all = all.SelectMany(head => list.Select(c => (List<Choice<bool>>)[.. head, c]));
        return all;
    }

    private void Add(ProblemToken token, ConvProblem problem)
    {
        if (Keeps(problem.ToString())) _problems.Add(problem);
        else if (_single) throw token.Error(0, "--match leaves this problem out", "a problem that matches");
    }

    private void Unsupported(ProblemToken token, string text, string reason, Exception why)
    {
        if (_single) throw why;
        if (Keeps(text)) _unsupported.Add(new UnsupportedProblem(text, reason, token.Source.File, token.Line));
    }

    private bool Keeps(string text)
    {
        if (_settings.Match is not { } filter) return true;
        if (!_filters.Contains(filter)) _filters.Add(filter);
        return filter.Keeps(text);
    }
}
