using ConvNative.Problems.Language;

namespace ConvNative.Problems;

/// <summary>
/// Lists of problems in benchdnn's language: knobs that stay until set again or <c>--reset</c>, problem descriptors, <c>#</c> comments,
/// <c>\</c> to continue a list, <c>--batch=FILE</c> to include. A knob with several values (<c>--dir=FWD_B,BWD_D</c>) multiplies every
/// following problem; one that no problem follows changes nothing, which a note says. <c>--bia-dt=T</c> gives FWD_D, FWD_I and BWD_W a
/// bias of that type (FWD_B and BWD_WB have one of f32, f64 with f64, s32 with 8-bit integers). Defaults: FWD_B, f32, channels first, batch 2.
/// </summary>
/// <remarks>
/// Beyond benchdnn: <c>--dir=BWD_B|BWD_O|BWD_M</c> (gradient of bias, offsets, mask), <c>--op=corr|conv|deconv|deform|shuffle|im2col|col2im</c>,
/// <c>--pad-mode=zeros|constant:V|reflect|symmetric|replicate|circular</c>, <c>--pad-limit=none</c> (pads past the size, as signal
/// processing has them), <c>--offset-groups=N</c>, <c>--mask=0|1</c>, <c>--output-padding=1</c> or <c>1x0x1</c>.
/// <c>--quant=xs:0.5+xz:3+ws:0.25:0.5+wz:1+ys:2+yz:7</c> (scale and zero point of input x, weights w and output y; the weights' one or
/// one for each output channel; what is left out is 1 or 0).
/// The columns' side of im2col and col2im is written as its grid of blocks: <c>--op=im2col mb1ic3ih7oh5kh3ph0</c> makes 25 columns of
/// 27 rows, <c>--op=col2im mb1ih5oc3oh7kh3ph0</c> folds them back. <c>--op=shuffle g3mb1ic6ih5</c> takes groups and sizes only.
/// <c>--wtag=axb</c> is output channels, space, input channels whatever the groups; tags count from this library's weight shape,
/// which for a transposed convolution begins with the input channels.
/// </remarks>
public static class ProblemFile
{
    /// <summary>Reads a file in which every problem must be one that ConvNative can express.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reader">Text of a path, or null where there is none; by default the file system. For embedded suites.</param>
    /// <exception cref="ProblemSyntaxException">A line is malformed, breaks a rule of geometry, or is unsupported.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IReadOnlyList<ConvProblem> Read(string path, Func<string, string?>? reader = null)
    {
        ProblemList list = Load(path, reader);
        if (list.Unsupported.Count == 0) return list.Problems;
        UnsupportedProblem first = list.Unsupported[0];
        throw new ProblemSyntaxException(first.File, first.Line, 1, first.Text, first.Reason, "a problem that ConvNative can express");
    }

    /// <summary>Reads a file; problems that ConvNative cannot express and knobs without effect come back as data.</summary>
    /// <exception cref="ProblemSyntaxException">A line is malformed or breaks a rule of geometry.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static ProblemList Load(string path, Func<string, string?>? reader = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ProblemReader.File(path, reader);
    }

    /// <summary>Takes arguments as benchdnn's command line does; each stays one token.</summary>
    /// <param name="args">Knobs and problems.</param>
    /// <param name="baseDirectory">Where <c>--batch</c> looks first; by default the current directory.</param>
    /// <param name="reader">As for <see cref="Read"/>.</param>
    /// <exception cref="ProblemSyntaxException">An argument is malformed or breaks a rule of geometry.</exception>
    public static ProblemList Expand(IEnumerable<string> args, string baseDirectory = "", Func<string, string?>? reader = null)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(baseDirectory);
        return ProblemReader.Arguments(args, baseDirectory, reader);
    }
}
