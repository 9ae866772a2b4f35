using ConvNative.Cli.Cases;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>Runs tests on backends, by the way that <c>run --cases</c> takes; nothing that one test does stops the others.</summary>
public sealed class OnnxRunner(IReadOnlyList<string> backends, PlanOptions options, OnnxReport report)
{
    /// <summary>Runs every data set of a test's model on every backend; a model that is not one convolution is only counted.</summary>
    /// <returns>The outcomes, which are in the report already.</returns>
    public IReadOnlyList<OnnxOutcome> Run(OnnxTest test)
    {
        ArgumentNullException.ThrowIfNull(test);
        OnnxModel model;
        try
        {
            model = OnnxModel.Load(test.ModelPath);
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return All(test.Name, "", OnnxStatus.Error, $"model.onnx: {e.Message}");
        }

        if (model.Nodes.Count != 1 || !NodeCase.IsOurs(model.Nodes[0]))
        {
            report.AddOther(Kind(model), test.Name);
            return [];
        }

        IReadOnlyList<string> sets = test.DataSets;
        string op = model.Nodes[0].OpType;
        if (sets.Count == 0) return All(test.Name, op, OnnxStatus.Error, "there is no folder test_data_set_N");
        return [.. sets.SelectMany(set => Run(sets.Count == 1 ? test.Name : $"{test.Name}/{Path.GetFileName(set)}", model, set))];
    }

    private static string Kind(OnnxModel model)
    {
        if (model.Nodes.Count == 1) return model.Nodes[0].IsStandard ? model.Nodes[0].OpType : $"{model.Nodes[0].Domain}.{model.Nodes[0].OpType}";
        return model.Nodes.Count == 0 ? "(no node)" : model.Nodes.Any(NodeCase.IsOurs) ? "(several nodes, a convolution among them)" : "(several nodes)";
    }

    private IReadOnlyList<OnnxOutcome> Run(string name, OnnxModel model, string dataSet)
    {
        OnnxNode node = model.Nodes[0];
        PreparedCase prepared;
        NpyArray expected;
        try
        {
            expected = Expected(model, OnnxTest.Tensors(dataSet, "output"));
            prepared = NodeCase.Prepare(name.Split('/')[^1], node, Bind(model, OnnxTest.Tensors(dataSet, "input")));
        }
        catch (NotSupportedException e)
        {
            return All(name, node.OpType, OnnxStatus.Unsupported, e.Message);
        }
        catch (Exception e) when (e is ConvProblemException or FormatException or IOException or UnauthorizedAccessException or OverflowException)
        {
            return All(name, node.OpType, OnnxStatus.Error, e.Message);
        }

        var outcomes = new List<OnnxOutcome>();
        foreach (string backend in backends)
        {
            var runner = new CaseRunner(backend, options, TextWriter.Null);
            RunResult result = runner.Guarded(() => runner.Run(prepared, null));
            OnnxOutcome outcome = Judge(name, node.OpType, prepared, result, expected);
            report.Add(outcome);
            outcomes.Add(outcome);
        }

        return outcomes;
    }

    private static OnnxOutcome Judge(string name, string op, PreparedCase prepared, RunResult result, NpyArray expected)
    {
        if (result.Result is null)
        {
            OnnxStatus status = result.Status == CaseStatus.Unsupported ? OnnxStatus.Unsupported : OnnxStatus.Error;
            return new OnnxOutcome(status, name, op, result.Backend, result.Implementation, result.Message);
        }

        OutputComparison c = OutputComparison.Of(result.Result, prepared.Problem.ResultType, prepared.ResultShape, expected);
        return new OnnxOutcome(c.IsEqual ? OnnxStatus.Pass : OnnxStatus.Fail, name, op, result.Backend, result.Implementation, c.Message, c);
    }

    private static NpyArray Expected(OnnxModel model, IReadOnlyList<OnnxTensor> outputs)
    {
        OnnxNode node = model.Nodes[0];
        if (node.Outputs.Count != 1 || model.Outputs.Count != 1 || model.Outputs[0] != node.Outputs[0])
            throw new FormatException($"the graph's outputs [{string.Join(',', model.Outputs)}] must be the one output of {node.OpType}");
        return outputs.Count == 1 ? outputs[0].ToArray() : throw new FormatException($"the data set has {outputs.Count} outputs, the graph 1");
    }

    /// <summary>The node's inputs by position, from the data set, the initializers and the constants.</summary>
    private static List<OnnxTensor?> Bind(OnnxModel model, IReadOnlyList<OnnxTensor> given)
    {
        // A data set gives the inputs without an initializer, or overrides these too.
        IReadOnlyList<string> required = model.RequiredInputs;
        IReadOnlyList<string> names = given.Count == required.Count ? required : model.Inputs;
        if (given.Count != names.Count) throw new FormatException($"the data set has {given.Count} inputs, the graph [{string.Join(',', required)}]");
        Dictionary<string, OnnxTensor> values = new(model.Constants);
        for (int i = 0; i < given.Count; i++) values[names[i]] = given[i];
        return [.. model.Nodes[0].Inputs.Select(name => name.Length == 0 ? null
            : values.TryGetValue(name, out OnnxTensor? value) ? value : throw new FormatException($"nothing gives the input {name}"))];
    }

    private IReadOnlyList<OnnxOutcome> All(string name, string op, OnnxStatus status, string message)
    {
        List<OnnxOutcome> outcomes = [.. backends.Select(b => new OnnxOutcome(status, name, op, b, "", message))];
        foreach (OnnxOutcome o in outcomes) report.Add(o);
        return outcomes;
    }
}
