using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using static ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>The addresses of one execution; made anew only when one of them changes.</summary>
internal sealed class VariantPack(CompiledGraph graph, long[] ids) : IDisposable
{
    private readonly nint[] _pointers = new nint[ids.Length];
    private CudnnDescriptorHandle? _pack;
    private nint _workspace;

    /// <summary>Queues the graph; the workspace must stay until the work is done.</summary>
    public void Execute(CudaDevice device, ReadOnlySpan<nint> pointers, nint workspace)
    {
        if (_pack is null || workspace != _workspace || !pointers.SequenceEqual(_pointers))
        {
            _pack?.Dispose();
            _pack = null;
            pointers.CopyTo(_pointers);
            _workspace = workspace;
            _pack = Descriptor.Make(cudnnBackendDescriptorType_t.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, d =>
            {
                d.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
                d.SetPointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, _pointers);
                d.SetPointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, [_workspace]);
            });
        }

        Cudnn.cudnnBackendExecute(device.Cudnn.Raw, graph.Plan.Raw, _pack.Raw).Check(nameof(Cudnn.cudnnBackendExecute));
    }

    public void Dispose() => _pack?.Dispose();
}
