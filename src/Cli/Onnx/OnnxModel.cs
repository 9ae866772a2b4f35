namespace ConvNative.Cli.Onnx;

/// <summary>What the tests need of a ModelProto: its graph's nodes, the names of inputs and outputs, and the constants.</summary>
public sealed class OnnxModel
{
    private readonly List<OnnxNode> _nodes = [];
    private readonly List<string> _inputs = [];
    private readonly List<string> _outputs = [];
    private readonly Dictionary<string, OnnxTensor> _constants = [];
    private readonly HashSet<string> _initializers = [];

    private OnnxModel()
    {
    }

    /// <summary>The graph's nodes but those of operator <c>Constant</c>.</summary>
    public IReadOnlyList<OnnxNode> Nodes => _nodes;

    /// <summary>Names of all inputs of the graph; before IR version 4 initializers are among them.</summary>
    public IReadOnlyList<string> Inputs => _inputs;

    /// <summary>Names of the graph's inputs that have no initializer: a test gives these.</summary>
    public IReadOnlyList<string> RequiredInputs => [.. _inputs.Where(i => !_initializers.Contains(i))];

    /// <summary>Names of the graph's outputs.</summary>
    public IReadOnlyList<string> Outputs => _outputs;

    /// <summary>Initializers, and the values of Constant nodes, by name.</summary>
    public IReadOnlyDictionary<string, OnnxTensor> Constants => _constants;

    /// <summary>Reads a model file.</summary>
    /// <exception cref="IOException">The file cannot be read, or is no protobuf message.</exception>
    /// <exception cref="FormatException">It is no ONNX model.</exception>
    public static OnnxModel Load(string path)
    {
        var model = new OnnxModel();
        var reader = new WireReader("ModelProto", File.ReadAllBytes(path));
        bool any = false;
        while (reader.Next())
        {
            if (reader.Field != 7) continue;
            model.ReadGraph(reader.Message("GraphProto"));
            any = true;
        }

        return any ? model : throw new FormatException("the model has no graph");
    }

    private void ReadGraph(WireReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: Add(OnnxNode.Read(reader.Message("NodeProto"))); break;
                case 5:
                    OnnxTensor tensor = OnnxTensor.Read(reader.Message("TensorProto"));
                    _constants[tensor.Name] = tensor;
                    _initializers.Add(tensor.Name);
                    break;
                case 11: _inputs.Add(ReadName(reader.Message("ValueInfoProto"))); break;
                case 12: _outputs.Add(ReadName(reader.Message("ValueInfoProto"))); break;
            }
        }
    }

    private void Add(OnnxNode node)
    {
        bool constant = node is { OpType: "Constant", IsStandard: true, Outputs.Count: 1 };
        OnnxTensor? value = constant ? node.Attributes.FirstOrDefault(a => a.Name == "value")?.Tensor : null;
        if (value is null) _nodes.Add(node);
        else _constants[node.Outputs[0]] = value;
    }

    private static string ReadName(WireReader reader)
    {
        string name = "";
        while (reader.Next())
            if (reader.Field == 1) name = reader.Text();
        return name;
    }
}
