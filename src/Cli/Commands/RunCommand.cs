using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConvNative.Cli.Cases;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Commands;

/// <summary>The verb <c>run</c>: one problem on <c>.npy</c> tensors, or many from a cases file.</summary>
public static partial class RunCommand
{
    private static readonly string[] s_tensors = ["input", "weights", "bias", "offset", "mask", "residual", "output_grad"];

    private static readonly (string Field, string Help)[] s_text =
    [
        ("op", "correlation (default), convolution, transposed, deformable, channel_shuffle, im2col, col2im"),
        ("direction", "forward (default), backward_data, backward_weights, backward_bias, backward_offset, backward_mask"),
        ("data_type", "f32, f64, bf16, f16, u8, s8; the first tensor's own without it"),
        ("weights_type", "Type of the weights"),
        ("output_type", "Type of the output"),
        ("layout", "Physical order that the backend gets: channels_first (default), channels_last, any; files are always in logical order"),
        ("padding_mode", "zeros (default), constant, reflect, symmetric, replicate, circular"),
        ("auto_pad", "notset (default), valid, same_upper, same_lower, same"),
        ("mode", "none (default), full, same, valid: plain N-D signals"),
        ("activation", "none (default), relu, leaky_relu[:SLOPE], relu6, clip:LOW:HIGH, sigmoid, tanh, gelu, gelu_tanh, silu, hard_swish"),
    ];

    private static readonly (string Field, string Help)[] s_numbers =
    [
        ("strides", "For example 2,2"),
        ("dilations", "For example 1,1 (1 = dense)"),
        ("pads_begin", "For example 1,1"),
        ("pads_end", "For example 1,1"),
        ("pad_value", "Value of padding mode constant"),
        ("output_scale", "Factor of the result, after the activation"),
        ("output_padding", "Transposed: extra output at the end"),
        ("output_shape", "Transposed: wanted spatial shape"),
        ("groups", "Channel blocks that do not mix"),
        ("offset_groups", "Channel blocks that share offsets"),
        ("kernel", "Kernel of im2col and col2im"),
        ("image_shape", "Spatial shape that col2im folds into"),
        ("input_shape", "Shape that a backward direction cannot infer"),
        ("weight_shape", "Shape that a backward direction cannot infer"),
        ("x_scale", "Scale of the input"),
        ("x_zero_point", "Zero point of the input"),
        ("w_scale", "Scale of the weights, one or one a channel"),
        ("w_zero_point", "Zero point of the weights, one or one a channel"),
        ("y_scale", "Scale of the output"),
        ("y_zero_point", "Zero point of the output"),
    ];

    /// <summary>The fields of <c>pad_value</c>, <c>output_scale</c>, <c>groups</c> and <c>offset_groups</c> are numbers, the others lists.</summary>
    private static readonly string[] s_scalars = ["pad_value", "output_scale", "groups", "offset_groups"];

    public static Command Create()
    {
        var cases = new Option<FileInfo?>("--cases") { Description = "Cases, one JSON object a line; paths are relative to the file. Prints one JSON line a case", HelpName = "FILE" };
        var backend = new Option<string>("--backend") { Description = $"One of {string.Join(", ", Executor.Backends)}", DefaultValueFactory = _ => "auto", HelpName = "NAME" };
        var problem = new Option<string?>("--problem") { Description = "The geometry as a problem string; the tensors' shapes must agree with it", HelpName = "STRING" };
        var output = new Option<string?>("--output") { Description = "File for the result", HelpName = "FILE.npy" };
        var json = new Option<bool>("--json") { Description = "Print the outcome as one line of JSON (always so with --cases)" };
        var verb = new Verb(
            "run",
            "Run one problem on .npy tensors, or many with --cases. Exit code: 0 done (with --cases: every case ok or unsupported), 1 a run failed or is unsupported, 2 bad usage or an invalid case, 3 the backend is unavailable (with several, 3 before 1 before 2).",
            "convnative run --backend auto --input x.npy --weights w.npy --pads-begin 1,1 --pads-end 1,1 --output y.npy",
            "convnative run --problem mb1ic3ih8oc4kh3ph1 --input x.npy --weights w.npy --bias b.npy --output y.npy",
            "convnative run --cases cases.jsonl --backend onednn")
        {
            cases, backend, problem, output, json,
        };
        var fields = new Dictionary<string, Option<string?>>();
        foreach (string name in s_tensors) Add(name, $"Tensor {name}", "FILE.npy");
        foreach ((string field, string help) in s_text) Add(field, help, "NAME");
        foreach ((string field, string help) in s_numbers) Add(field, help, "N[,N...]");
        verb.SetAction(p =>
        {
            string name = p.GetValue(backend)!;
            Executor.CheckName(name);
            Dictionary<string, string> given = fields.Where(f => p.GetResult(f.Value) is not null).ToDictionary(f => f.Key, f => p.GetValue(f.Value)!);
            TextWriter lines = p.InvocationConfiguration.Output;
            var runner = new CaseRunner(name, PlanOptions.Default, lines);
            if (p.GetValue(cases) is { } file)
            {
                if (given.Count > 0 || p.GetValue(problem) is not null || p.GetValue(output) is not null)
                    throw new CliException($"--cases = {file}: takes no other option than --backend; the cases have their own fields");
                return runner.RunFile(file.FullName);
            }

            string target = p.GetValue(output) ?? throw new CliException("--output = none: a run needs --output FILE.npy (or --cases FILE)");
            RunResult result = runner.Guarded(() => runner.Run(Prepare(given, p.GetValue(problem)), target));
            return Report(result, target, p.GetValue(json), p.InvocationConfiguration);
        });
        return verb;

        void Add(string field, string help, string value)
        {
            var option = new Option<string?>("--" + field.Replace('_', '-')) { Description = help, HelpName = value };
            fields.Add(field, option);
            verb.Add(option);
        }
    }

    private static int Report(RunResult result, string target, bool json, InvocationConfiguration console)
    {
        if (json) console.Output.WriteLine(CaseRunner.Line(null, result));
        else if (result.Status == CaseStatus.Ok) console.Output.WriteLine($"{target}: {result.Backend} {result.Implementation}");
        else console.Error.WriteLine($"error: {Names.Of(result.Status)} ({result.Backend}): {result.Message}");
        return result.Status switch
        {
            CaseStatus.Ok => ExitCode.Done,
            CaseStatus.Invalid => ExitCode.Usage,
            CaseStatus.Unavailable => ExitCode.Unavailable,
            _ => ExitCode.Failed,
        };
    }

    private static PreparedCase Prepare(Dictionary<string, string> given, string? problem)
    {
        string folder = Directory.GetCurrentDirectory();
        if (problem is null) return CaseBuilder.Prepare(CaseParser.Parse(ToJson(given)), folder);
        string? geometry = given.Keys.FirstOrDefault(k => !s_tensors.Contains(k));
        if (geometry is not null) throw new ConvProblemException(geometry, given[geometry], "not with --problem, which states the whole geometry");
        Dictionary<string, NpyArray> tensors = TensorBinding.Load(given, folder);
        ConvProblem parsed = ConvProblem.Parse(problem);
        return new PreparedCase
        {
            Problem = parsed,
            Tensors = TensorBinding.Bind(parsed, tensors),
            ResultShape = parsed.ResultShape,
            Container = CaseBuilder.Container(tensors),
        };
    }

    /// <summary>The options as a case, so that both ways of giving a field share their rules and messages.</summary>
    private static string ToJson(Dictionary<string, string> given) => JsonText.Object(json =>
    {
        json.WriteString("id", "run");
        if (!given.ContainsKey("op")) json.WriteString("op", "correlation");
        if (!given.ContainsKey("data_type")) json.WriteString("data_type", OwnType(given).Name());
        foreach ((string field, string value) in given)
        {
            if (s_tensors.Contains(field)) continue;
            bool scalar = s_scalars.Contains(field);
            if (!s_numbers.Any(n => n.Field == field)) json.WriteString(field, value);
            else if (scalar && NumberPattern().IsMatch(value)) Raw(json, field, value);
            else if (!scalar && ListPattern().IsMatch(value)) Raw(json, field, $"[{value.Trim('[', ']')}]");
            else json.WriteString(field, value);
        }

        json.WriteStartObject("tensors");
        foreach (string name in s_tensors)
            if (given.TryGetValue(name, out string? file)) json.WriteString(name, file);
        json.WriteEndObject();
    });

    private static void Raw(Utf8JsonWriter json, string field, string value)
    {
        json.WritePropertyName(field);
        json.WriteRawValue(value);
    }

    private static DataType OwnType(Dictionary<string, string> given)
    {
        string? file = given.GetValueOrDefault("input") ?? given.GetValueOrDefault("output_grad");
        if (file is null || !File.Exists(file)) return DataType.F32;
        return NpyFile.Read(file).Type switch
        {
            NpyType.F8 => DataType.F64,
            NpyType.F2 => DataType.F16,
            NpyType.U2 or NpyType.V2 => DataType.BF16,
            NpyType.I1 => DataType.S8,
            NpyType.U1 => DataType.U8,
            _ => DataType.F32,
        };
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(@"^\[?-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(\s*,\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)*\]?$")]
    private static partial Regex ListPattern();
}
