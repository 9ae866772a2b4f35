/* What NVRTC predefines and our kernels use, for checking with clang that they compile as CUDA (-x cuda -nocudainc -nocudalib). */
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
struct convnative_uint3 { unsigned x, y, z; };
extern __device__ const convnative_uint3 threadIdx, blockIdx, blockDim, gridDim;
extern "C" {
__device__ float expf(float); __device__ double exp(double);
__device__ float tanhf(float); __device__ double tanh(double);
__device__ float erfcf(float); __device__ double erfc(double);
__device__ float floorf(float); __device__ double floor(double);
__device__ double rint(double);
}
static __device__ float atomicAdd(float *p, float v) { return __nvvm_atom_add_gen_f(p, v); }
static __device__ double atomicAdd(double *p, double v) { return __nvvm_atom_add_gen_d(p, v); }
