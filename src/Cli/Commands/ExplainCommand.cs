using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ConvNative.Cli.Cases;
using ConvNative.Cli.Execution;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems;
using Spectre.Console;

namespace ConvNative.Cli.Commands;

/// <summary>The verb <c>explain</c>: everything that follows from a problem string, and who would compute it how.</summary>
public static class ExplainCommand
{
    public static Command Create()
    {
        var problem = new ProblemArgument();
        var batch = new Option<string?>("--batch") { Description = "Problems from a file, as benchdnn reads it", HelpName = "FILE" };
        var block = new Option<string?>("--block") { Description = "A block or a whole network of the literature: its nodes, counts, and what it is compared with", HelpName = "NAME" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object a problem, a line each" };
        var verb = new Verb(
            "explain",
            "Output shape, parameters, multiply-adds, bytes, receptive field of a problem, and what each backend would do with it.",
            "convnative explain ic16ih28oc32kh3ph1",
            "convnative explain --dir=BWD_D --dt=f32 g32mb1ic128ih28oc128oh28kh3ph1n\"resnext:conv3\"",
            "convnative explain --batch shapes.txt --json",
            "convnative explain --block bottleneck")
        {
            problem, batch, block, json,
        };
        verb.SetAction(p =>
        {
            string[] tokens = p.GetValue(problem) ?? [];
            TextWriter output = p.InvocationConfiguration.Output, error = p.InvocationConfiguration.Error;
            bool asJson = p.GetValue(json);
            if (p.GetValue(block) is { } name)
            {
                BlockExample example = BlockReport.Find(name);
                if (asJson) output.WriteLine(BlockReport.ToJson(example));
                else BlockReport.Print(example, output);
                if (tokens.Length == 0 && p.GetValue(batch) is null) return ExitCode.Done;
            }

            ProblemList list = ProblemTokens.Read(tokens, p.GetValue(batch));
            foreach (ConvProblem each in list.Problems)
            {
                if (asJson) output.WriteLine(ToJson(each, Explanation.Ask(each)));
                else Print(each, Explanation.Ask(each), output);
            }

            foreach (UnsupportedProblem each in list.Unsupported)
            {
                if (asJson) output.WriteLine(JsonText.Object(w => Unsupported(w, each)));
                else error.WriteLine($"unsupported: {each}");
            }

            ProblemTokens.Announce(list.Notes, error);
            return ExitCode.Done;
        });
        return verb;
    }

    /// <summary>One line of JSON with every parsed and derived field.</summary>
    public static string ToJson(ConvProblem p, IReadOnlyList<BackendAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(p);
        return JsonText.Object(w =>
        {
            w.WriteString("name", p.Name);
            w.WriteString("op", Names.Of(p.Op));
            w.WriteString("direction", Names.Of(p.Direction));
            w.WriteString("data_type", p.InputType.Name());
            w.WriteString("input_type", p.InputType.Name());
            w.WriteString("weights_type", p.WeightType.Name());
            w.WriteString("output_type", p.OutputType.Name());
            w.WriteString("layout", Names.Of(p.InputLayout));
            w.WriteString("weights_layout", Names.Of(p.WeightLayout));
            w.WriteString("output_layout", Names.Of(p.OutputLayout));
            w.WriteNumber("rank", p.Rank);
            w.WriteNumber("batch", p.Batch);
            w.WriteNumber("groups", p.Groups);
            JsonText.Integers(w, "input_shape", p.InputShape);
            JsonText.Integers(w, "weight_shape", p.WeightShape);
            JsonText.Integers(w, "output_shape", p.OutputShape);
            JsonText.Integers(w, "kernel", p.Kernel);
            JsonText.Integers(w, "strides", p.Strides);
            JsonText.Integers(w, "dilations", p.Dilations);
            JsonText.Integers(w, "pads_begin", p.PadsBegin);
            JsonText.Integers(w, "pads_end", p.PadsEnd);
            JsonText.Integers(w, "output_padding", p.OutputPadding);
            w.WriteString("padding_mode", Names.Of(p.PaddingMode));
            w.WriteNumber("pad_value", p.PadValue);
            w.WriteNumber("offset_groups", p.OffsetGroups);
            w.WriteBoolean("mask", p.HasMask);
            w.WriteBoolean("bias", p.HasBias);
            w.WriteString("activation", ActivationNames.Of(p.PostOps.Activation));
            w.WriteNumber("output_scale", p.PostOps.OutputScale ?? 1);
            w.WriteBoolean("residual", p.PostOps.Residual);
            if (p.Op == ConvOp.Deformable) JsonText.Integers(w, "offset_shape", p.OffsetShape);
            if (p.HasMask) JsonText.Integers(w, "mask_shape", p.MaskShape);
            w.WriteNumber("multiply_adds", p.MultiplyAdds);
            w.WriteNumber("parameters", p.Parameters);
            w.WriteNumber("weights", p.WeightCount);
            w.WriteNumber("bytes", p.Bytes);
            w.WriteNumber("arithmetic_intensity", p.ArithmeticIntensity);
            JsonText.Integers(w, "receptive_field", Explanation.ReceptiveField(p));
            Checkerboard(w, p);
            w.WriteString("problem", p.ToString());
            w.WriteStartArray("backends");
            foreach (BackendAnswer answer in answers)
            {
                w.WriteStartObject();
                w.WriteString("name", answer.Name);
                w.WriteBoolean("supported", answer.Supported);
                if (answer.Supported) w.WriteString("implementation", answer.Implementation);
                else w.WriteString("reason", answer.Reason);
                w.WriteEndObject();
            }

            w.WriteEndArray();
        });
    }

    private static void Checkerboard(Utf8JsonWriter w, ConvProblem p)
    {
        if (p.Op != ConvOp.Transposed)
        {
            w.WriteNull("checkerboard");
            return;
        }

        (Dims min, Dims max) = Explanation.Overlap(p);
        w.WriteStartObject("checkerboard");
        JsonText.Integers(w, "min", min);
        JsonText.Integers(w, "max", max);
        w.WriteBoolean("uneven", min != max);
        w.WriteEndObject();
    }

    private static void Unsupported(Utf8JsonWriter w, UnsupportedProblem each)
    {
        w.WriteString("problem", each.Text);
        w.WriteBoolean("supported", false);
        w.WriteString("reason", each.Reason);
    }

    private static void Print(ConvProblem p, IReadOnlyList<BackendAnswer> answers, TextWriter output)
    {
        List<(string Label, string Value)> rows = Rows(p);
        foreach (BackendAnswer a in answers) rows.Add((a.Name, a.Supported ? a.Implementation! : $"unsupported: {a.Reason}"));
        if (!Terminal.IsInteractive(output))
        {
            output.WriteLine(p.ToString());
            foreach ((string label, string value) in rows) output.WriteLine($"  {label,-22}{value}");
            return;
        }

        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle(Markup.Escape(p.ToString())) };
        table.AddColumns("", "");
        table.HideHeaders();
        foreach ((string label, string value) in rows) table.AddRow(Markup.Escape(label), Markup.Escape(value));
        Terminal.On(output).Write(table);
    }

    private static List<(string Label, string Value)> Rows(ConvProblem p)
    {
        static string Count(long v) => v.ToString("N0", CultureInfo.InvariantCulture);
        var rows = new List<(string, string)>
        {
            ("operation", $"{Names.Of(p.Op)}, {Names.Of(p.Direction)}, {p.Rank}-D{(p.IsDepthwise ? ", depthwise" : "")}"),
            ("types", $"{p.InputType.Name()} x {p.WeightType.Name()} -> {p.OutputType.Name()}"),
            ("layouts", $"input {Names.Of(p.InputLayout)}, weights {Names.Of(p.WeightLayout)}, output {Names.Of(p.OutputLayout)}"),
            ("input", p.InputShape.ToString()),
            ("weights", p.HasWeights ? p.WeightShape.ToString() : "none"),
            ("output", p.OutputShape.ToString()),
            ("groups", Count(p.Groups)),
            ("strides", p.Strides.ToString()),
            ("dilations (1 = dense)", p.Dilations.ToString()),
            ("padding", $"{p.PadsBegin} begin, {p.PadsEnd} end, {Names.Of(p.PaddingMode)}{(p.PaddingMode == PaddingMode.Constant ? $" {p.PadValue.ToString(CultureInfo.InvariantCulture)}" : "")}"),
        };
        if (p.Op == ConvOp.Transposed)
        {
            (Dims min, Dims max) = Explanation.Overlap(p);
            rows.Add(("output padding", p.OutputPadding.ToString()));
            rows.Add(("checkerboard", min == max ? $"even: {max} taps reach every output" : $"uneven: {min} to {max} taps reach an output"));
        }

        if (p.Op == ConvOp.Deformable) rows.Add(("deformable", $"{p.OffsetGroups} offset groups, offsets {p.OffsetShape}{(p.HasMask ? $", mask {p.MaskShape}" : "")}"));
        rows.Add(("then", $"{(p.HasBias ? "bias, " : "")}{(p.PostOps.Residual ? "residual, " : "")}activation {ActivationNames.Of(p.PostOps.Activation)}{(p.PostOps.OutputScale is { } scale ? $", times {scale.ToString(CultureInfo.InvariantCulture)}" : "")}"));
        rows.Add(("parameters", $"{Count(p.Parameters)} ({Count(p.WeightCount)} weights)"));
        rows.Add(("multiply-adds", Count(p.MultiplyAdds)));
        rows.Add(("bytes", Count(p.Bytes)));
        rows.Add(("arithmetic intensity", p.ArithmeticIntensity.ToString("0.###", CultureInfo.InvariantCulture) + " FLOP/byte"));
        rows.Add(("receptive field", Explanation.ReceptiveField(p).ToString()));
        return rows;
    }
}
