using ConvNative.Bindings.Cuda;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>A matrix within an operand: where it starts, and how far apart those of a batch are, in elements.</summary>
internal readonly record struct GemmMatrix(Operand Operand, long Start, int Leading, bool Transposed, long BatchStride);

/// <summary>
/// Row-major <c>C[m,n] = A[m,k] * B[k,n] (+ C)</c> for a batch, in f32 or f64. cuBLAS is column-major, where the same bytes are the
/// transposes: so it is asked for <c>C' = B' * A'</c>.
/// </summary>
internal sealed unsafe class GemmStep(DataType type, int m, int n, int k, GemmMatrix a, GemmMatrix b, GemmMatrix c, int batch, bool add) : ICudaStep
{
    public void Run(CudaDevice device)
    {
        int size = type.SizeOf();
        byte* pa = (byte*)a.Operand.Pointer + (a.Start * size), pb = (byte*)b.Operand.Pointer + (b.Start * size), pc = (byte*)c.Operand.Pointer + (c.Start * size);
        cublasHandle_t blas = device.Blas.Raw;
        if (type == DataType.F64)
        {
            double one = 1, beta = add ? 1 : 0;
            Cublas.cublasDgemmStridedBatched(blas, Operation(b), Operation(a), n, m, k, &one, (double*)pb, b.Leading, b.BatchStride, (double*)pa, a.Leading, a.BatchStride, &beta, (double*)pc, c.Leading, c.BatchStride, batch)
                .Check(nameof(Cublas.cublasDgemmStridedBatched));
            return;
        }

        float oneF = 1, betaF = add ? 1 : 0;
        Cublas.cublasSgemmStridedBatched(blas, Operation(b), Operation(a), n, m, k, &oneF, (float*)pb, b.Leading, b.BatchStride, (float*)pa, a.Leading, a.BatchStride, &betaF, (float*)pc, c.Leading, c.BatchStride, batch)
            .Check(nameof(Cublas.cublasSgemmStridedBatched));
    }

    public void Dispose()
    {
    }

    private static cublasOperation_t Operation(GemmMatrix matrix) => matrix.Transposed ? cublasOperation_t.CUBLAS_OP_T : cublasOperation_t.CUBLAS_OP_N;
}
