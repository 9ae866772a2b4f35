using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings.CuDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;
using static ConvNative.Bindings.CuDnn.cudnnBackendDescriptorType_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Builds the operation graph of a <see cref="GraphSpec"/>, bottom up. It owns every descriptor that it makes.</summary>
internal sealed class GraphBuilder : IDisposable
{
    private readonly List<CudnnDescriptorHandle> _made = [];
    private readonly List<CudnnDescriptorHandle> _operations = [];
    private readonly GraphSpec _spec;
    private readonly CudaDevice _device;

    public GraphBuilder(CudaDevice device, GraphSpec spec)
    {
        (_device, _spec) = (device, spec);
        try
        {
            Graph = Build();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The finalised operation graph.</summary>
    public CudnnDescriptorHandle Graph { get; }

    public void Dispose()
    {
        for (int i = _made.Count - 1; i >= 0; i--) _made[i].Dispose();
        _made.Clear();
    }

    private CudnnDescriptorHandle Keep(CudnnDescriptorHandle made)
    {
        _made.Add(made);
        return made;
    }

    private CudnnDescriptorHandle Build()
    {
        GraphTensor computed = _spec.Computed;
        GraphTensor between = _spec.IsFused ? computed.Between(GraphSpec.FirstVirtual, _spec.Compute) : computed;
        CudnnDescriptorHandle image = Tensor(_spec.Kind == GraphKind.BackwardData ? between : _spec.Image);
        CudnnDescriptorHandle filter = Tensor(_spec.Kind == GraphKind.BackwardFilter ? between : _spec.Filter);
        CudnnDescriptorHandle output = Tensor(_spec.Kind == GraphKind.Forward ? between : _spec.Output);
        Convolve(image, filter, output);
        if (_spec.IsFused) Fuse(computed, between, _spec.Kind == GraphKind.BackwardData ? image : output);
        return Keep(Descriptor.Make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, d =>
        {
            d.Set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, _device.Cudnn.Raw);
            d.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_operations));
        }));
    }

    private CudnnDescriptorHandle Tensor(GraphTensor t) => Keep(Descriptor.Make(CUDNN_BACKEND_TENSOR_DESCRIPTOR, d =>
    {
        d.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, t.Type);
        d.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, t.Shape.Span);
        d.Set(CUDNN_ATTR_TENSOR_STRIDES, t.Strides.Span);
        d.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, t.Id);
        d.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, GraphTensor.Alignment);
        if (t.IsVirtual) d.Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true);
    }));

    private void Convolve(CudnnDescriptorHandle image, CudnnDescriptorHandle filter, CudnnDescriptorHandle output)
    {
        // Always a cross-correlation: no list of engines for the flipped filter is known, so our kernel flips it.
        CudnnDescriptorHandle convolution = Keep(Descriptor.Make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, d =>
        {
            d.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, _spec.Compute);
            d.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, cudnnConvolutionMode_t.CUDNN_CROSS_CORRELATION);
            d.Set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, (long)_spec.Pre.Count);
            d.Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, _spec.Pre.Span);
            d.Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, _spec.Post.Span);
            d.Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, _spec.Dilations.Span);
            d.Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, _spec.Strides.Span);
        }));
        (cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t[] names) = _spec.Kind switch
        {
            GraphKind.Forward => (CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                new[]
                {
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                }),
            GraphKind.BackwardData => (CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                [
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                ]),
            _ => (CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                [
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
                ]),
        };
        Operation(type, d =>
        {
            d.Set(names[0], convolution);
            d.Set(names[1], image);
            d.Set(names[2], filter);
            d.Set(names[3], output);
            d.SetFactor(names[4], 1, _spec.Compute);
            d.SetFactor(names[5], 0, _spec.Compute);
        });
    }

    /// <summary>Residual, bias and activation, each from the tensor before it to the next; the last one writes the result.</summary>
    private void Fuse(GraphTensor result, GraphTensor between, CudnnDescriptorHandle from)
    {
        int left = (_spec.HasBias ? 1 : 0) + (_spec.HasResidual ? 1 : 0) + (_spec.Activation.Kind != ActivationKind.None ? 1 : 0);
        long id = between.Id;
        CudnnDescriptorHandle Next() => Tensor(--left == 0 ? result with { Id = GraphSpec.Result } : between with { Id = ++id });
        if (_spec.HasBias)
        {
            CudnnDescriptorHandle bias = Tensor(_spec.BiasTensor), to = Next();
            Add(from, bias, to, 1);
            from = to;
        }

        if (_spec.HasResidual)
        {
            CudnnDescriptorHandle residual = Tensor(result with { Id = GraphSpec.Residual }), to = Next();
            Add(from, residual, to, _spec.ResidualScale);
            from = to;
        }

        if (_spec.Activation.Kind != ActivationKind.None) Activate(from, Next());
    }

    private void Add(CudnnDescriptorHandle from, CudnnDescriptorHandle other, CudnnDescriptorHandle to, double factor)
    {
        CudnnDescriptorHandle add = Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, _ => { });
        Operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, d =>
        {
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, add);
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from);
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
            if (factor == 1) return;
            d.SetFactor(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1, _spec.Compute);
            d.SetFactor(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, factor, _spec.Compute);
        });
    }

    private void Activate(CudnnDescriptorHandle from, CudnnDescriptorHandle to)
    {
        Activation a = _spec.Activation;
        CudnnDescriptorHandle pointwise = Pointwise(Mode(a)!.Value, d =>
        {
            switch (a.Kind)
            {
                case ActivationKind.Relu:
                    // NaN goes through, as everywhere here; the default replaces it.
                    d.Set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, cudnnNanPropagation_t.CUDNN_PROPAGATE_NAN);
                    break;
                case ActivationKind.LeakyRelu:
                    d.Set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, cudnnNanPropagation_t.CUDNN_PROPAGATE_NAN);
                    d.Set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, a.Alpha);
                    break;
                case ActivationKind.Clip:
                    d.Set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, cudnnNanPropagation_t.CUDNN_PROPAGATE_NAN);
                    d.Set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, a.Alpha);
                    d.Set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, a.Beta);
                    break;
                case ActivationKind.Silu:
                    d.Set(CUDNN_ATTR_POINTWISE_SWISH_BETA, a.Alpha);
                    break;
            }
        });
        Operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, d =>
        {
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise);
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from);
            d.Set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
        });
    }

    /// <summary>cuDNN's name for an activation, or null where it has none (hard-swish).</summary>
    public static cudnnPointwiseMode_t? Mode(Activation a) => a.Kind switch
    {
        ActivationKind.Relu or ActivationKind.LeakyRelu => cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD,

        // With another lower limit than 0 the meaning of the slope is not documented.
        ActivationKind.Clip when a.Alpha == 0 => cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD,
        ActivationKind.Sigmoid => cudnnPointwiseMode_t.CUDNN_POINTWISE_SIGMOID_FWD,
        ActivationKind.Tanh => cudnnPointwiseMode_t.CUDNN_POINTWISE_TANH_FWD,
        ActivationKind.GeluErf => cudnnPointwiseMode_t.CUDNN_POINTWISE_GELU_FWD,
        ActivationKind.GeluTanh => cudnnPointwiseMode_t.CUDNN_POINTWISE_GELU_APPROX_TANH_FWD,
        ActivationKind.Silu => cudnnPointwiseMode_t.CUDNN_POINTWISE_SWISH_FWD,
        _ => null,
    };

    private CudnnDescriptorHandle Pointwise(cudnnPointwiseMode_t mode, Action<CudnnDescriptorHandle> configure) => Keep(Descriptor.Make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, d =>
    {
        d.Set(CUDNN_ATTR_POINTWISE_MODE, mode);
        d.Set(CUDNN_ATTR_POINTWISE_MATH_PREC, _spec.Compute);
        configure(d);
    }));

    private void Operation(cudnnBackendDescriptorType_t type, Action<CudnnDescriptorHandle> configure) => _operations.Add(Keep(Descriptor.Make(type, configure)));
}
