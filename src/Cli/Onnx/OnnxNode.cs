namespace ConvNative.Cli.Onnx;

/// <summary>A NodeProto.</summary>
/// <param name="OpType">The operator.</param>
/// <param name="Domain">Its domain; ONNX's own is empty or <c>ai.onnx</c>.</param>
/// <param name="Inputs">Names by position; an empty one is an optional input that is left out.</param>
/// <param name="Outputs">Names by position.</param>
/// <param name="Attributes">In the file's order.</param>
public sealed record OnnxNode(string OpType, string Domain, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyList<OnnxAttribute> Attributes)
{
    /// <summary>An operator of ONNX itself.</summary>
    public bool IsStandard => Domain is "" or "ai.onnx";

    internal static OnnxNode Read(WireReader reader)
    {
        string op = "", domain = "";
        List<string> inputs = [], outputs = [];
        List<OnnxAttribute> attributes = [];
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: inputs.Add(reader.Text()); break;
                case 2: outputs.Add(reader.Text()); break;
                case 4: op = reader.Text(); break;
                case 5: attributes.Add(OnnxAttribute.Read(reader.Message("AttributeProto"))); break;
                case 7: domain = reader.Text(); break;
            }
        }

        return new OnnxNode(op, domain, inputs, outputs, attributes);
    }
}
