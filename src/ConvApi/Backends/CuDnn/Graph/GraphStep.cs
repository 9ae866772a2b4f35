using ConvNative.Backends.CuDnn.Device;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Runs a compiled graph on operands.</summary>
internal sealed unsafe class GraphStep : ICudaStep
{
    private readonly VariantPack _pack;
    private readonly Operand[] _operands;
    private readonly nint[] _pointers;
    private readonly Operand? _workspace;

    /// <param name="graph">Held by the program.</param>
    /// <param name="tensors">Ids and operands.</param>
    /// <param name="workspace">Null where none is needed.</param>
    public GraphStep(CompiledGraph graph, IReadOnlyList<(long Id, Operand Operand)> tensors, Operand? workspace)
    {
        _operands = [.. tensors.Select(t => t.Operand)];
        _pointers = new nint[_operands.Length];
        _pack = new VariantPack(graph, [.. tensors.Select(t => t.Id)]);
        _workspace = workspace;
    }

    public void Run(CudaDevice device)
    {
        for (int i = 0; i < _pointers.Length; i++) _pointers[i] = (nint)_operands[i].Pointer;
        _pack.Execute(device, _pointers, _workspace is null ? 0 : (nint)_workspace.Pointer);
    }

    public void Dispose() => _pack.Dispose();
}
