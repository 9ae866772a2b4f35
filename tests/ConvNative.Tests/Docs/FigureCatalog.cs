using ConvNative.Graphs.Catalog;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>Every picture of the pages by its file name.</summary>
internal static class FigureCatalog
{
    private static readonly (string Name, string Title, Action<Svg> Draw)[] s_drawn =
    [
        ("correlation-1d", "Taps of a 1-D correlation, dense and with stride 2", s =>
        {
            TapFigures.Strip(s, 0, 0, "kernel 3, pads 1: as many outputs as inputs", Of("ic1iw8oc1kw3pw1"), 0, 4);
            TapFigures.Strip(s, 0, 180, "stride 2: every second output", Of("ic1iw8oc1kw3pw1sw2"), 0, 2);
        }),
        ("correlation-2d", "Taps of two outputs of a 2-D correlation", s =>
        {
            TapFigures.Grid(s, 0, 0, "kernel 3x2, pads 1 and 0", Of("ic1ih5iw6oc1kh3kw2ph1pw0"), [0, 0], [2, 3]);
            TapFigures.Grid(s, 0, 220, "stride 2, pads at the begin only", Of("ic1ih5iw6oc1oh2ow3kh3kw2sh2sw2ph1pw1"), [0, 0], [1, 2]);
        }),
        ("correlation-3d", "Taps of one output of a 3-D correlation, slice by slice", s => TapFigures.Grid(s, 0, 0, "kernel 2x3x3, no pads: the depth's slices side by side", Of("ic1id3ih4iw5oc1kd2kh3kw3pd0ph0pw0"), [1, 0, 1])),
        ("pointwise", "A 1x1 convolution reads one position of all channels", s =>
        {
            double right = TapFigures.Grid(s, 0, 0, "in space: one tap", Of("ic1ih4iw5oc1kh1kw1ph0pw0"), [1, 3]);
            ChannelFigures.Chain(s, right + 60, 0, "in channels: all of them", Of("ic4ih4oc3kh1ph0"));
        }),
        ("grouped", "Channels of a grouped convolution", s =>
        {
            double right = ChannelFigures.Chain(s, 0, 0, "one group: 6 to 4", Of("ic6ih5oc4kh3ph1"));
            ChannelFigures.Chain(s, right + 70, 0, "2 groups: half the weights", Of("g2ic6ih5oc4kh3ph1"));
        }),
        ("pointwise-grouped", "Grouped 1x1 convolutions, without and with a shuffle between them", s =>
        {
            ConvProblem one = Of("g3ic6ih5oc6kh1ph0");
            ChannelFigures.Chain(s, 0, 0, "two in a row: a group never sees another", one, one);
            ChannelFigures.Chain(s, 0, 270, "with a shuffle between them: every group reads from all", one, Of("--op=shuffle g3mb1ic6ih5"), one);
        }),
        ("depthwise", "Channels of depthwise convolutions", s =>
        {
            double right = ChannelFigures.Chain(s, 0, 0, "depthwise: a channel each", Of("g4ic4ih5oc4kh3ph1"));
            ChannelFigures.Chain(s, right + 90, 0, "multiplier 2: output c*2 + j", Of("g4ic4ih5oc8kh3ph1"));
        }),
        ("global-depthwise", "A depthwise kernel as large as the image", s => TapFigures.Grid(s, 0, 0, "each channel: one output, a weight for every position", Of("g2ic2ih4iw5oc2kh4kw5ph0pw0"), [0, 0])),
        ("dilated", "Taps of a dilated convolution", s =>
        {
            TapFigures.Strip(s, 0, 0, "dilation 1", Of("ic1iw9oc1kw3pw1"), 4);
            TapFigures.Strip(s, 0, 180, "dilation 2", Of("ic1iw9oc1kw3pw2dw1"), 4);
            TapFigures.Grid(s, 480, 0, "3x3, dilation 2: 9 taps, 5x5 wide", Of("ic1ih7iw7oc1kh3kw3ph0pw0dh1dw1"), [1, 1]);
        }),
        ("receptive-field", "Receptive fields of three 3-wide convolutions", s =>
        {
            double y = ChannelFigures.Pyramid(s, 0, 0, "dilations 1, 1, 1: each adds 2", Line(17, 1), Line(17, 1), Line(17, 1));
            y = ChannelFigures.Pyramid(s, 0, y + 24, "dilations 1, 2, 4: the field doubles, no gaps", Line(17, 1), Line(17, 2), Line(17, 4));
            ChannelFigures.Pyramid(s, 0, y + 24, "dilations 2, 2, 2: 13 wide, but every second input is never read", Line(17, 2), Line(17, 2), Line(17, 2));
        }),
        ("gridding", "How many ways lead from each input pixel to one output", s =>
        {
            double right = Ways(s, 0, "three 3x3, dilation 2: holes", [2, 2, 2]);
            Ways(s, right + 40, "dilations 1, 2, 3: none", [1, 2, 3]);
        }),
        ("stacked-field", "Two 3x3 see what a 5x5 sees", s =>
        {
            double y = ChannelFigures.Pyramid(s, 0, 0, "one 5-wide convolution", ConvProblem.Parse("ic1iw11oc1kw5pw2"));
            ChannelFigures.Pyramid(s, 0, y + 24, "two 3-wide ones", Line(11, 1), Line(11, 1));
        }),
        ("transposed", "A transposed convolution writes where a correlation reads", s =>
        {
            TapFigures.Spread(s, 0, 0, "kernel 3, stride 2: 1 and 2 taps in turn", Of("--deconv ic1iw5oc1kw3sw2pw0"));
            TapFigures.Spread(s, 0, 170, "kernel 4, stride 2: 2 taps everywhere but at the borders", Of("--deconv ic1iw5oc1kw4sw2pw0"));
            TapFigures.Spread(s, 0, 340, "kernel 2, stride 2: no overlap", Of("--deconv ic1iw5oc1kw2sw2pw0"));
        }),
        ("checkerboard", "Outputs of transposed convolutions of ones with weights one", s =>
        {
            double right = Ones(s, 0, "3x3, stride 2: a checkerboard", "--deconv --dir=FWD_D mb1ic1ih4oc1kh3sh2ph0");
            Ones(s, right + 40, "4x4, stride 2: even inside", "--deconv --dir=FWD_D mb1ic1ih4oc1kh4sh2ph0");
        }),
        ("convolution", "Correlation and true convolution read the same inputs with opposite weights", s =>
        {
            TapFigures.Strip(s, 0, 0, "correlation", Of("ic1iw6oc1kw3pw1"), 2);
            TapFigures.Strip(s, 400, 0, "convolution: w2 first", Of("--op=conv ic1iw6oc1kw3pw1"), 2);
            TapFigures.Grid(s, 0, 190, "correlation", Of("ic1ih5iw5oc1kh3kw3ph1pw1"), [2, 2]);
            TapFigures.Grid(s, 400, 190, "convolution: flipped on both axes", Of("--op=conv ic1ih5iw5oc1kh3kw3ph1pw1"), [2, 2]);
        }),
        ("signal-modes", "Outputs of the signal modes for 5 samples and a kernel of 3", s =>
        {
            TapFigures.Strip(s, 0, 0, "full: every output with a tap inside", Of("--op=conv ic1iw5oc1kw3pw2"), 0, 6);
            TapFigures.Strip(s, 0, 180, "same: the part of full that starts at floor((K-1)/2)", Of("--op=conv ic1iw5oc1kw3pw1"), 0, 4);
            TapFigures.Strip(s, 0, 360, "valid: all taps inside", Of("--op=conv ic1iw5oc1kw3pw0"), 0, 2);
        }),
        ("padding", "What each padding mode puts outside, as a 1-wide correlation with weight 1 gives it", Padding),
        ("channel-shuffle", "Channel shuffle of 6 channels in 3 and in 2 groups", s =>
        {
            double right = ChannelFigures.Chain(s, 0, 0, "3 groups", Of("--op=shuffle g3mb1ic6ih5"));
            ChannelFigures.Chain(s, right + 80, 0, "2 groups undo it", Of("--op=shuffle g3mb1ic6ih5"), Of("--op=shuffle g2mb1ic6ih5"));
        }),
        ("im2col", "im2col of a numbered image, and what col2im makes of ones", s =>
        {
            ConvProblem p = Of("--op=im2col --dir=FWD_D mb1ic1ih3iw4oh2ow3kh2kw2ph0pw0"), back = new ConvSpec { Op = ConvOp.Col2im, InputShape = p.OutputShape, Kernel = p.Kernel, ImageShape = p.InputSpatial }.Build();
            double[] image = [.. Enumerable.Range(1, (int)p.InputShape.Product).Select(i => (double)i)];
            double right = TapFigures.Heat(s, 0, 0, "image", image, p.InputShape[^1], 28);
            right = TapFigures.Heat(s, right + 40, 0, "columns: a patch each, 4 x 6", NaiveOracle.Compute(p, new OracleTensors { Input = image }).Values, p.OutputShape[^1], 28);
            TapFigures.Heat(s, right + 60, 0, "col2im of ones", NaiveOracle.Compute(back, new OracleTensors { Input = [.. Enumerable.Repeat(1.0, (int)back.InputShape.Product)] }).Values, back.OutputShape[^1], 28);
        }),
        ("int8", "Outputs of an 8-bit 1x1 convolution over all 256 inputs", Steps),
    ];

    /// <summary>File name and contents of each.</summary>
    public static IEnumerable<(string File, Func<string> Draw)> All =>
    [
        .. s_drawn.Select(f => ($"{f.Name}.svg", (Func<string>)(() =>
        {
            var s = new Svg();
            f.Draw(s);
            return s.Finish(f.Title);
        }))),
        ("deformable.svg", SampleFigure.Draw),
        .. BlockCatalog.Names.Select(n => ($"block-{n}.svg", (Func<string>)(() => GraphFigure.Draw(BlockCatalog.Find(n)!.Graph, BlockCatalog.Find(n)!.Title)))),
    ];

    private static ConvProblem Of(string text) => ConvProblem.Parse(text);

    private static ConvProblem Line(int width, int dilation) => ConvProblem.Parse($"ic1iw{width}oc1kw3pw{dilation}dw{dilation - 1}");

    private static double Ones(Svg s, double x, string caption, string problem)
    {
        ConvProblem p = Of(problem);
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = Full(p.InputShape), Weights = Full(p.WeightShape) }).Values;
        return TapFigures.Heat(s, x, 0, caption, y, p.OutputShape[^1]);
    }

    private static double Ways(Svg s, double x, string caption, int[] dilations)
    {
        // The gradient of the middle output, with every weight 1, counts the ways to each input.
        var ways = new double[17 * 17];
        ways[(8 * 17) + 8] = 1;
        foreach (int d in dilations.Reverse())
        {
            ConvProblem p = Of($"--dir=BWD_D mb1ic1ih17oc1kh3ph{d}dh{d - 1}");
            ways = NaiveOracle.Compute(p, new OracleTensors { OutputGrad = ways, Weights = Full(p.WeightShape) }).Values;
        }

        return TapFigures.Heat(s, x, 0, caption, ways, 17, 18);
    }

    private static void Padding(Svg s)
    {
        double[] x = [1, 2, 3, 4, 5];
        double y = 0;
        foreach (PaddingMode mode in Enum.GetValues<PaddingMode>())
        {
            // As wide as the kernel would have to be for pads of 4: each output is one tap.
            ConvProblem p = new ConvSpec { InputShape = [1, 1, 5], WeightShape = [1, 1, 1], PadsBegin = [4], PadsEnd = [4], PaddingMode = mode, PadValue = mode == PaddingMode.Constant ? 9 : 0 }.Build();
            double[] values = NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = [1] }).Values;
            s.Text(0, y + 19, mode == PaddingMode.Constant ? "constant 9" : Names.Of(mode), 12.5, anchor: "start", bold: true);
            for (int i = 0; i < values.Length; i++)
                s.Cell(96 + (i * 28), y, 28, i is < 4 or > 8 ? Svg.Outside : Svg.Tints[0], mode == PaddingMode.Zeros && i is < 4 or > 8 && values[i] == 0 ? "" : $"{values[i]}", i is < 4 or > 8);
            y += 40;
        }
    }

    private static void Steps(Svg s)
    {
        const double w = 2.2, h = 0.9;
        ConvProblem p = Of("--dt=u8:s8:u8 --dir=FWD_D --quant=xs:0.05+xz:128+ws:0.5+ys:0.02+yz:100 mb1ic1iw256oc1kw1pw0");
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = [.. Enumerable.Range(0, 256).Select(i => (double)i)], Weights = [1] }).Values;
        s.Text(0, -14, "y as x runs from 0 to 255; weight 1", 12.5, anchor: "start", bold: true);
        s.Rect(0, 0, 256 * w, 256 * h, Svg.Empty, Svg.Edge);
        foreach ((double at, string text) in ((double, string)[])[(0, "0"), (100, "100 = output zero point"), (255, "255 = saturated")])
        {
            s.Line(0, (255 - at) * h, 256 * w, (255 - at) * h, Svg.Edge, 0.8, true);
            s.Text((256 * w) + 8, ((255 - at) * h) + 4, text, 11, Svg.Muted, "start");
        }

        s.Line(128 * w, 0, 128 * w, 256 * h, Svg.Edge, 0.8, true);
        s.Text(128 * w, (256 * h) + 16, "x = 128 = input zero point", 11, Svg.Muted);
        s.Polyline(y.SelectMany((v, i) => ((double, double)[])[(i * w, (255 - v) * h), ((i + 1) * w, (255 - v) * h)]), Svg.Colours[0], 1.8);
    }

    private static double[] Full(Dims shape) => [.. Enumerable.Repeat(1.0, (int)shape.Product)];
}
