using ConvNative.Bindings.Cuda;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Deformable convolution from our kernels and the double's matrix products, against the Oracle: every direction, both layouts.</summary>
[TestClass]
public sealed unsafe class DeformKernelTests
{
    private const string V1 = "--op=deform --offset-groups=2 g1mb2ic6ih7iw8oc5kh3kw2ph1pw1sh1sw2n\"a\"";
    private const string V2 = "--op=deform --mask=1 --offset-groups=3 g1mb2ic6ih7iw8oc5kh3kw2ph2pw1dh1n\"a\"";
    private const string Grouped = "--op=deform --mask=1 --offset-groups=1 g3mb1ic6ih6iw5oc9kh2kw3ph1pw1n\"a\"";

    [TestMethod]
    [DataRow(V1)]
    [DataRow(V2)]
    [DataRow(Grouped)]
    [DataRow("--dt=f64 " + V2)]
    [DataRow("--dt=bf16 " + V1)]
    public void Forward(string text)
    {
        Double.Need();
        foreach (bool last in (bool[])[false, true])
            foreach (FillKind fill in (FillKind[])[FillKind.Random, FillKind.ExactInteger])
            {
                using var d = new Run(text, Direction.Forward, last, fill);
                if (last && d.P.Groups > 1) continue;
                nint columns = d.Columns();
                d.Check(d.Product(d.Weights, columns, forward: true), d.P.OutputLayout);
            }
    }

    [TestMethod]
    [DataRow(V1)]
    [DataRow(V2)]
    [DataRow(Grouped)]
    [DataRow("--dt=f64 " + V2)]
    public void BackwardData(string text)
    {
        Double.Need();
        foreach (bool last in (bool[])[false, true])
            foreach (bool ordered in (bool[])[false, true])
            {
                using var d = new Run(text, Direction.BackwardData, last, FillKind.Random);
                if (last && d.P.Groups > 1) continue;
                nint columns = d.Product(d.Weights, d.Case.OutputGradient, forward: false), dx = d.Case.Gpu.Allocate(d.P.InputShape.Product * d.Size);
                Gpu.Check(CudaRt.cudaMemset((void*)dx, 0, (nuint)(d.P.InputShape.Product * d.Size)));
                if (ordered) Gpu.Launch(d.Module, "cn_deform_data_ordered", d.P.Batch * d.P.InputChannels, dx, columns, d.Offset, d.Mask, d.Record, d.InputStrides, d.ColumnStrides);
                else Gpu.Launch(d.Module, "cn_deform_data", 900, dx, columns, d.Offset, d.Mask, d.Record, d.InputStrides, d.ColumnStrides, 2L, last ? 1 : 0);
                d.Check(dx, d.P.InputLayout, ordered ? "ordered" : "atomic");
            }
    }

    [TestMethod]
    [DataRow(V1, Direction.BackwardOffset)]
    [DataRow(V2, Direction.BackwardOffset)]
    [DataRow(V2, Direction.BackwardMask)]
    [DataRow(Grouped, Direction.BackwardMask)]
    [DataRow("--dt=f64 " + Grouped, Direction.BackwardOffset)]
    public void BackwardOffsetAndMask(string text, Direction direction)
    {
        Double.Need();
        foreach (bool last in (bool[])[false, true])
        {
            using var d = new Run(text, direction, last, FillKind.Random);
            if (last && d.P.Groups > 1) continue;
            nint columns = d.Product(d.Weights, d.Case.OutputGradient, forward: false), result = d.Case.Gpu.Allocate(d.P.ResultShape.Product * d.Size);
            bool offset = direction == Direction.BackwardOffset;
            Gpu.Launch(d.Module, "cn_deform_offset_mask", 500, offset ? result : 0, offset ? 0 : result, columns, d.Case.Input, d.Offset, d.Mask, d.Record, d.InputStrides, d.ColumnStrides);
            d.Check(result, Layout.ChannelsFirst);
        }
    }

    private sealed class Run : IDisposable
    {
        private readonly bool _last;

        public Run(string text, Direction direction, bool last, FillKind fill)
        {
            Layout layout = last ? Layout.ChannelsLast : Layout.ChannelsFirst;
            P = ConvProblem.Parse(text).With(s => s with { Direction = direction, HasBias = false, InputLayout = layout, OutputLayout = layout, WeightLayout = layout, OutputType = s.InputType == DataType.BF16 ? DataType.F32 : s.OutputType });
            _last = last;
            Case = new KernelCase(P, fill);
            Module = Case.Gpu.Compile("deform.cu", $"X_TYPE={(int)P.InputType}", $"Y_TYPE={(int)ColumnType}");
            OracleTensors t = Case.Tensors;
            (Offset, Mask) = (Case.Up(t.Offset, P.OffsetShape, P.InputType), P.HasMask ? Case.Up(t.Mask, P.MaskShape, P.InputType) : 0);
            Weights = t.Weights is null ? 0 : Case.Up(t.Weights, P.WeightShape, ColumnType, layout);
        }

        public ConvProblem P { get; }

        public KernelCase Case { get; }

        public CUmodule Module { get; }

        public nint Offset { get; }

        public nint Mask { get; }

        public nint Weights { get; }

        public int Size => ColumnType.SizeOf();

        public long[] InputStrides => KernelCase.Strides(P.InputShape, P.InputLayout);

        public long[] Record =>
        [
            P.Batch, P.InputChannels, P.OffsetGroups, P.InputShape[2], P.InputShape[3], P.Kernel[0], P.Kernel[1], P.OutputShape[2], P.OutputShape[3],
            P.Strides[0], P.Strides[1], P.Dilations[0], P.Dilations[1], P.PadsBegin[0], P.PadsBegin[1],
        ];

        /// <summary>n, c, k, l: rows c*K + k channels first; channels last c runs fastest, then k.</summary>
        public long[] ColumnStrides => _last ? [C * K * L, 1, C, C * K] : [C * K * L, K * L, L, 1];

        private DataType ColumnType => P.InputType == DataType.F64 ? DataType.F64 : DataType.F32;

        private long C => P.InputChannels;

        private long K => P.Kernel.Product;

        private long L => P.OutputSpatial.Product;

        public nint Columns()
        {
            nint columns = Case.Gpu.Allocate(P.Batch * C * K * L * Size);
            Gpu.Launch(Module, "cn_deform_columns", 900, columns, Case.Input, Offset, Mask, Record, InputStrides, ColumnStrides, 2L, _last ? 1 : 0);
            return columns;
        }

        /// <summary>Forward: weights times columns. Else the columns' gradient: weights transposed times the output's gradient.</summary>
        public nint Product(nint weights, nint other, bool forward)
        {
            cublasHandle_t handle;
            Assert.AreEqual(cublasStatus_t.CUBLAS_STATUS_SUCCESS, Cublas.cublasCreate_v2(&handle));
            int o = (int)(P.OutputChannels / P.Groups), ck = (int)(C / P.Groups * K), l = (int)L;
            nint result = Case.Gpu.Allocate((forward ? P.OutputShape.Product : P.Batch * C * K * L) * Size);
            for (int n = 0; n < P.Batch; n++)
            {
                nint from = other + (nint)(n * (forward ? C * K * L : P.OutputChannels * L) * Size), to = result + (nint)(n * (forward ? P.OutputChannels * L : C * K * L) * Size);

                // Row-major A*B is column-major B^T*A^T. Channels first all groups at once, each o x ck times ck x l.
                (cublasOperation_t N, cublasOperation_t T) = (cublasOperation_t.CUBLAS_OP_N, cublasOperation_t.CUBLAS_OP_T);
                if (!_last && forward) Gemm(handle, N, N, l, o, ck, from, l, ck * l, weights, ck, o * ck, to, l, o * l);
                else if (!_last) Gemm(handle, N, T, l, ck, o, from, l, o * l, weights, ck, o * ck, to, l, ck * l);
                else if (forward) Gemm(handle, T, N, o, l, ck, weights, ck, 0, from, ck, 0, to, o, 0);
                else Gemm(handle, N, N, ck, l, o, weights, ck, 0, from, o, 0, to, ck, 0);
            }

            Cublas.cublasDestroy_v2(handle);
            return result;
        }

        public void Check(nint result, Layout layout, string what = "") => Case.Check(Case.Gpu.Download(result, P.ResultShape.Product * P.ResultType.SizeOf()), layout, what);

        public void Dispose() => Case.Dispose();

        private void Gemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, nint a, int lda, long sa, nint b, int ldb, long sb, nint c, int ldc, long sc)
        {
            float one = 1, zero = 0;
            double wideOne = 1, wideZero = 0;
            Assert.AreEqual(cublasStatus_t.CUBLAS_STATUS_SUCCESS, Size == 8
                ? Cublas.cublasDgemmStridedBatched(h, ta, tb, m, n, k, &wideOne, (double*)a, lda, sa, (double*)b, ldb, sb, &wideZero, (double*)c, ldc, sc, (int)P.Groups)
                : Cublas.cublasSgemmStridedBatched(h, ta, tb, m, n, k, &one, (float*)a, lda, sa, (float*)b, ldb, sb, &zero, (float*)c, ldc, sc, (int)P.Groups));
        }
    }
}
