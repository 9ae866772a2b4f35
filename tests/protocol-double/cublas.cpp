// cuBLAS's double: plain loops, column-major. Sums in f32 (f64 for double, exact for integers).
#include "cuda_abi.h"
#include "double.h"
#include "elements.h"
#include <map>

using namespace twin;

namespace {

struct Handle { StreamId stream = 0; int math = 0; bool device_pointers = false; };
std::map<cublasHandle_t, Handle> handles;

struct Matrix { const void *p; Type type; int ld; long long stride; cublasOperation_t op; };

bool type_of(cudaDataType t, Type &out)
{
    switch (t)
    {
        case CUDA_R_32F: out = Type::F32; return true;
        case CUDA_R_64F: out = Type::F64; return true;
        case CUDA_R_16F: out = Type::F16; return true;
        case CUDA_R_16BF: out = Type::BF16; return true;
        case CUDA_R_8I: out = Type::S8; return true;
        case CUDA_R_32I: out = Type::S32; return true;
        default: return false;
    }
}

template <typename R> void product(int m, int n, int k, double alpha, Matrix a, Matrix b, double beta, void *c, Type ct, int ldc, long long sc, int batch, bool narrow)
{
    for (int t = 0; t < batch; t++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++)
            {
                R sum = 0;
                for (int l = 0; l < k; l++)
                {
                    double x = load(a.type, a.p, t * a.stride + (a.op == CUBLAS_OP_N ? i + (int64_t)l * a.ld : l + (int64_t)i * a.ld));
                    double y = load(b.type, b.p, t * b.stride + (b.op == CUBLAS_OP_N ? l + (int64_t)j * b.ld : j + (int64_t)l * b.ld));
                    if (narrow) x = tf32(x), y = tf32(y);
                    sum += (R)x * (R)y;
                }
                int64_t at = t * sc + i + (int64_t)j * ldc;
                // With beta = 0 the output is not read.
                R v = (R)((R)alpha * sum);
                if (beta != 0) v += (R)((R)beta * (R)load(ct, c, at));
                store(ct, c, at, (double)v);
            }
}

// Bytes that a batch of matrices reaches over.
size_t reach(int rows, int columns, int ld, long long stride, int batch, Type t)
{
    if (rows == 0 || columns == 0 || batch == 0) return 0;
    return ((size_t)(batch - 1) * (size_t)stride + (size_t)ld * (columns - 1) + rows) * size_of(t);
}

cublasStatus_t gemm(cublasHandle_t handle, int m, int n, int k, const void *alpha, Matrix a, Matrix b, const void *beta, void *c, Type ct, int ldc, long long sc, int batch, cublasComputeType_t compute)
{
    if (!handles.count(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (sticky()) return CUBLAS_STATUS_EXECUTION_FAILED;
    Handle h = handles[handle];
    int ar = a.op == CUBLAS_OP_N ? m : k, ac = a.op == CUBLAS_OP_N ? k : m, br = b.op == CUBLAS_OP_N ? k : n, bc = b.op == CUBLAS_OP_N ? n : k;
    if (m < 0 || n < 0 || k < 0 || batch < 0 || a.ld < std::max(1, ar) || b.ld < std::max(1, br) || ldc < std::max(1, m) || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
    bool doubles = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC, integers = compute == CUBLAS_COMPUTE_32I || compute == CUBLAS_COMPUTE_32I_PEDANTIC;
    bool floats = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_PEDANTIC || compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    bool good = a.type == b.type && ((doubles && a.type == Type::F64 && ct == Type::F64) || (integers && a.type == Type::S8 && ct == Type::S32)
        || (floats && ((a.type == Type::F32 && ct == Type::F32) || ((a.type == Type::F16 || a.type == Type::BF16) && (ct == a.type || ct == Type::F32)) || (a.type == Type::S8 && ct == Type::F32))));
    if (!good) return CUBLAS_STATUS_NOT_SUPPORTED;
    // The library wants four-byte rows of integers.
    if (a.type == Type::S8 && (a.ld % 4 || b.ld % 4 || (uintptr_t)a.p % 4 || (uintptr_t)b.p % 4)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (m == 0 || n == 0 || batch == 0) return CUBLAS_STATUS_SUCCESS;
    if (h.device_pointers) return CUBLAS_STATUS_NOT_SUPPORTED;
    // Host scalars are read now.
    double al = doubles ? *(const double *)alpha : integers ? *(const int *)alpha : *(const float *)alpha, be = doubles ? *(const double *)beta : integers ? *(const int *)beta : *(const float *)beta;
    bool narrow = a.type == Type::F32 && (compute == CUBLAS_COMPUTE_32F_FAST_TF32 || (h.math & 15) == CUBLAS_TF32_TENSOR_OP_MATH);
    enqueue(h.stream, [=] {
        if (!on_device(a.p, reach(ar, ac, a.ld, a.stride, batch, a.type)) || !on_device(b.p, reach(br, bc, b.ld, b.stride, batch, b.type)) || !on_device(c, reach(m, n, ldc, sc, batch, ct)))
        {
            note("a matrix product reaches beyond its memory");
            return 700;
        }
        if (doubles) product<double>(m, n, k, al, a, b, be, c, ct, ldc, sc, batch, false);
        else if (integers) product<int64_t>(m, n, k, al, a, b, be, c, ct, ldc, sc, batch, false);
        else product<float>(m, n, k, al, a, b, be, c, ct, ldc, sc, batch, narrow);
        return 0;
    });
    return CUBLAS_STATUS_SUCCESS;
}

}

EXPORT const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status)
    {
        case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
        case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
        default: return "CUBLAS_STATUS_INTERNAL_ERROR";
    }
}
EXPORT const char *cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }
EXPORT cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    CALL(cublasStatus_t);
    if (device_count() == 0 || driver_version() == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
    static uintptr_t next = 0xB000;
    *handle = (cublasHandle_t)next++;
    handles[*handle] = {};
    add("cuBLAS handle", *handle);
    return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    CALL_LATE(handle);
    if (!remove("cuBLAS handle", handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
    drain_all();
    handles.erase(handle);
    return (cublasStatus_t)injected;
}
#define HANDLE                                                                \
    if (!handles.count(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;         \
    Handle &h = handles[handle]
EXPORT cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int *version) { CALL(cublasStatus_t); HANDLE; (void)h; *version = 120800; return CUBLAS_STATUS_SUCCESS; }
EXPORT cublasStatus_t cublasGetProperty(libraryPropertyType which, int *value) { CALL(cublasStatus_t, which); *value = which == 0 ? 12 : which == 1 ? 8 : 0; return CUBLAS_STATUS_SUCCESS; }
EXPORT cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    CALL(cublasStatus_t, stream);
    HANDLE;
    h.stream = (uintptr_t)stream <= 2 ? 0 : (StreamId)(uintptr_t)stream;
    return stream_exists(h.stream) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
EXPORT cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    CALL(cublasStatus_t, bytes);
    HANDLE;
    (void)h;
    return !workspace || on_device(workspace, bytes) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
EXPORT cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) { CALL(cublasStatus_t, mode); HANDLE; h.math = mode; return CUBLAS_STATUS_SUCCESS; }
EXPORT cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode) { CALL(cublasStatus_t); HANDLE; *mode = (cublasMath_t)h.math; return CUBLAS_STATUS_SUCCESS; }
EXPORT cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) { CALL(cublasStatus_t, mode); HANDLE; h.device_pointers = mode == CUBLAS_POINTER_MODE_DEVICE; return CUBLAS_STATUS_SUCCESS; }

EXPORT cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const float *alpha, const float *a, int lda, long long sa, const float *b, int ldb, long long sb, const float *beta, float *c, int ldc, long long sc, int batch)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, lda, sa, ldb, sb, ldc, sc, batch);
    return gemm(handle, m, n, k, alpha, {a, Type::F32, lda, sa, oa}, {b, Type::F32, ldb, sb, ob}, beta, c, Type::F32, ldc, sc, batch, CUBLAS_COMPUTE_32F);
}
EXPORT cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const double *alpha, const double *a, int lda, long long sa, const double *b, int ldb, long long sb, const double *beta, double *c, int ldc, long long sc, int batch)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, lda, sa, ldb, sb, ldc, sc, batch);
    return gemm(handle, m, n, k, alpha, {a, Type::F64, lda, sa, oa}, {b, Type::F64, ldb, sb, ob}, beta, c, Type::F64, ldc, sc, batch, CUBLAS_COMPUTE_64F);
}
EXPORT cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta, float *c, int ldc)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, lda, ldb, ldc);
    return gemm(handle, m, n, k, alpha, {a, Type::F32, lda, 0, oa}, {b, Type::F32, ldb, 0, ob}, beta, c, Type::F32, ldc, 0, 1, CUBLAS_COMPUTE_32F);
}
EXPORT cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const double *alpha, const double *a, int lda, const double *b, int ldb, const double *beta, double *c, int ldc)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, lda, ldb, ldc);
    return gemm(handle, m, n, k, alpha, {a, Type::F64, lda, 0, oa}, {b, Type::F64, ldb, 0, ob}, beta, c, Type::F64, ldc, 0, 1, CUBLAS_COMPUTE_64F);
}
EXPORT cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const void *alpha, const void *a, cudaDataType ta, int lda, long long sa, const void *b, cudaDataType tb, int ldb, long long sb, const void *beta, void *c, cudaDataType tc, int ldc, long long sc, int batch, cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, ta, lda, sa, tb, ldb, sb, tc, ldc, sc, batch, compute, algo);
    Type x, y, z;
    if (!type_of(ta, x) || !type_of(tb, y) || !type_of(tc, z)) return CUBLAS_STATUS_NOT_SUPPORTED;
    return gemm(handle, m, n, k, alpha, {a, x, lda, sa, oa}, {b, y, ldb, sb, ob}, beta, c, z, ldc, sc, batch, compute);
}
EXPORT cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t oa, cublasOperation_t ob, int m, int n, int k, const void *alpha, const void *a, cudaDataType ta, int lda, const void *b, cudaDataType tb, int ldb, const void *beta, void *c, cudaDataType tc, int ldc, cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
    CALL(cublasStatus_t, oa, ob, m, n, k, ta, lda, tb, ldb, tc, ldc, compute, algo);
    Type x, y, z;
    if (!type_of(ta, x) || !type_of(tb, y) || !type_of(tc, z)) return CUBLAS_STATUS_NOT_SUPPORTED;
    return gemm(handle, m, n, k, alpha, {a, x, lda, 0, oa}, {b, y, ldb, 0, ob}, beta, c, z, ldc, 0, 1, compute);
}
