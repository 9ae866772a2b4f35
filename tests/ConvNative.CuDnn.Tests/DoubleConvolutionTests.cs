using ConvNative.Bindings.CuDnn;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;
using A = ConvNative.Bindings.CuDnn.cudnnBackendAttributeName_t;
using D = ConvNative.Bindings.CuDnn.cudnnBackendDescriptorType_t;
using T = ConvNative.Bindings.CuDnn.cudnnBackendAttributeType_t;

namespace ConvNative.Tests;

/// <summary>The double is not trusted blindly: what its engines compute is compared with the Oracle, and what they get wrong must be seen.</summary>
[TestClass]
public sealed unsafe class DoubleConvolutionTests
{
    private const int TensorCore = 0, DownConvert = 1, Fma = 2, Atomic = 3, Winograd = 4, NarrowSums = 6, Fallback = 7, NeedsCompiler = 8;

    [TestMethod]
    [DataRow("mb2ic7iw29oc11kw4pw2n\"a\"")]
    [DataRow("g2mb2ic6ih7iw8oc4kh3kw2sh2sw1ph1pw0dh1dw0n\"a\"")]
    [DataRow("g5mb2ic5ih7iw8oc10kh3kw3ph1n\"a\"")]
    [DataRow("mb1ic2id4ih5iw6oc3kd2kh3kw1sd2pd1ph1pw0n\"a\"")]
    public void EveryDirectionAndLayout(string shape)
    {
        Double.Need();
        foreach (string type in (string[])["f32", "f64", "bf16", "f16"])
            foreach (string tags in (string[])["", "--stag=axb --dtag=axb --wtag=axb "])
                foreach (string direction in (string[])["FWD_D", "BWD_D", "BWD_W"])
                {
                    ConvProblem p = ConvProblem.Parse($"--dir={direction} --dt={type} {tags}{shape}");
                    Comparison c = Run(p, FillKind.Random, Fallback);
                    Assert.AreEqual(Outcome.Pass, c.Outcome, $"{p}: {c.Summary}");
                }
    }

    [TestMethod]
    public void Integers()
    {
        Double.Need();
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D --dt=s8:s8:s32 --stag=axb --dtag=axb --wtag=axb mb2ic8ih7iw6oc12kh3kw2ph1n\"a\"");
        Comparison c = Run(p, FillKind.Random, TensorCore);
        Assert.AreEqual(Outcome.Pass, c.Outcome, c.Summary);
    }

    /// <summary>An engine that is wrong in the way that its notes say must be seen by the strict bound: else a filter that lets it through would not be.</summary>
    [TestMethod]
    [DataRow(TensorCore)]
    [DataRow(DownConvert)]
    [DataRow(Winograd)]
    public void ReducedPrecisionIsSeen(int engine)
    {
        Double.Need();
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D mb2ic8ih7iw6oc12kh3kw3ph1n\"a\"");
        Assert.AreEqual(Outcome.Pass, Run(p, FillKind.Random, Fma).Outcome);
        Assert.AreEqual(Outcome.Fail, Run(p, FillKind.Random, engine).Outcome);
        // Small integers are exact in ten bits too.
        Assert.AreEqual(Outcome.Pass, Run(p, FillKind.ExactInteger, engine).Outcome);
    }

    [TestMethod]
    public void NarrowSumsAreSeen()
    {
        Double.Need();
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D --dt=f16:f16:f32 mb2ic16ih7iw6oc12kh3kw3ph1n\"a\"");
        Assert.AreEqual(Outcome.Pass, Run(p, FillKind.Random, TensorCore).Outcome);
        Assert.AreEqual(Outcome.Fail, Run(p, FillKind.Random, NarrowSums).Outcome);
    }

    /// <summary>The engine that says so gives other bits from run to run, the others do not.</summary>
    [TestMethod]
    public void NondeterminismIsSeen()
    {
        Double.Need();
        ConvProblem p = ConvProblem.Parse("--dir=BWD_D mb2ic8ih7iw6oc12kh3kw3ph1n\"a\"");
        bool Differs(int engine)
        {
            double[] first = Result(p, FillKind.Random, engine);
            return Enumerable.Range(0, 6).Any(_ => !Result(p, FillKind.Random, engine).AsSpan().SequenceEqual(first));
        }

        Assert.IsFalse(Differs(Fma));
        Assert.IsTrue(Differs(Atomic));
    }

    [TestMethod]
    public void EnginesRefuse()
    {
        Double.Need();
        ConvProblem asymmetric = ConvProblem.Parse("--dir=FWD_D mb1ic7ih9iw11oc5oh9ow10kh3kw4ph0pw2n\"a\"");
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_NOT_SUPPORTED_PADDING, Refusal(asymmetric, Fma));
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_SUCCESS, Refusal(asymmetric, Fallback));
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D mb1ic7ih9iw11oc5kh3kw3n\"a\"");
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, Refusal(p, NeedsCompiler));
        ConvProblem narrow = ConvProblem.Parse("--dir=FWD_D --dt=s8:s8:s32 --stag=axb --dtag=axb --wtag=axb mb2ic7ih7iw6oc12kh3kw2ph1n\"a\"");
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_NOT_SUPPORTED_SHAPE, Refusal(narrow, TensorCore));
        ConvProblem first = ConvProblem.Parse("--dir=FWD_D --dt=s8:s8:s32 mb2ic8ih7iw6oc12kh3kw2ph1n\"a\"");
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, Refusal(first, TensorCore));
        ConvProblem unsigned = ConvProblem.Parse("--dir=FWD_D --dt=u8:s8:s32 --stag=axb --dtag=axb --wtag=axb mb2ic8ih7iw6oc12kh3kw2ph1n\"a\"");
        Assert.AreEqual(cudnnStatus_t.CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, Refusal(unsigned, Fallback));
    }

    private static cudnnStatus_t Refusal(ConvProblem p, int engine)
    {
        using var api = new GraphApi();
        cudnnBackendDescriptor_t graph = Graph(api, p);
        return Cudnn.cudnnBackendFinalize(api.Plan(graph, engine));
    }

    private static Comparison Run(ConvProblem p, FillKind fill, int engine) => Verdict.Compare(p, fill, NaiveOracle.Compute(p, Fills.Create(p, fill, 3)), Result(p, fill, engine));

    private static double[] Result(ConvProblem p, FillKind fill, int engine)
    {
        using var api = new GraphApi();
        using var gpu = new Gpu();
        OracleTensors t = Fills.Create(p, fill, 3);
        cudnnBackendDescriptor_t plan = api.Plan(Graph(api, p), engine);
        GraphApi.Ok(Cudnn.cudnnBackendFinalize(plan));
        Layout layout = p.Direction switch { Direction.Forward => p.OutputLayout, Direction.BackwardData => p.InputLayout, _ => p.WeightLayout };
        nint result = gpu.Allocate(p.ResultShape.Product * p.ResultType.SizeOf());
        nint x = p.Direction == Direction.BackwardData ? result : gpu.Upload(TensorBytes.ToBytes(t.Input, p.InputType, p.InputShape, p.InputLayout));
        nint w = p.Direction == Direction.BackwardWeights ? result : gpu.Upload(TensorBytes.ToBytes(t.Weights, p.WeightType, p.WeightShape, p.WeightLayout));
        nint y = p.Direction == Direction.Forward ? result : gpu.Upload(TensorBytes.ToBytes(t.OutputGrad, p.OutputType, p.OutputShape, p.OutputLayout));
        GraphApi.Ok(api.Execute(plan, (1, x), (2, w), (3, y)));
        return TensorBytes.Read(gpu.Download(result, p.ResultShape.Product * p.ResultType.SizeOf()), p.ResultType, p.ResultShape, layout);
    }

    /// <summary>The finalized graph of a convolution: x is 1, w is 2, y is 3.</summary>
    private static cudnnBackendDescriptor_t Graph(GraphApi api, ConvProblem p)
    {
        bool forward = p.Direction == Direction.Forward, data = p.Direction == Direction.BackwardData;
        cudnnBackendDescriptor_t x = Tensor(1, p.InputType, p.InputShape, p.InputLayout), w = Tensor(2, p.WeightType, p.WeightShape, p.WeightLayout), y = Tensor(3, p.OutputType, p.OutputShape, p.OutputLayout);
        cudnnDataType_t compute = p.InputType == DataType.F64 ? cudnnDataType_t.CUDNN_DATA_DOUBLE : p.InputType.IsInteger() ? cudnnDataType_t.CUDNN_DATA_INT32 : cudnnDataType_t.CUDNN_DATA_FLOAT;
        cudnnBackendDescriptor_t conv = api.Convolution(compute, [.. p.PadsBegin], [.. p.PadsEnd], [.. p.Strides], [.. p.Dilations]);
        D kind = forward ? D.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR : data ? D.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR : D.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
        cudnnBackendDescriptor_t op = api.Operation(kind, conv, p.InputType == DataType.F64, data ? y : x, forward || data ? w : y, forward ? y : data ? x : w);
        cudnnBackendDescriptor_t graph = api.Graph(op);
        GraphApi.Ok(Cudnn.cudnnBackendFinalize(graph));
        return graph;

        cudnnBackendDescriptor_t Tensor(long uid, DataType type, Dims shape, Layout layout) => api.Tensor(uid, Of(type), [.. shape], [.. Layouts.Strides(shape, layout)]);

        static cudnnDataType_t Of(DataType type) => type switch
        {
            DataType.F32 => cudnnDataType_t.CUDNN_DATA_FLOAT,
            DataType.F64 => cudnnDataType_t.CUDNN_DATA_DOUBLE,
            DataType.BF16 => cudnnDataType_t.CUDNN_DATA_BFLOAT16,
            DataType.F16 => cudnnDataType_t.CUDNN_DATA_HALF,
            DataType.S8 => cudnnDataType_t.CUDNN_DATA_INT8,
            DataType.U8 => cudnnDataType_t.CUDNN_DATA_UINT8,
            _ => cudnnDataType_t.CUDNN_DATA_INT32,
        };
    }
}
