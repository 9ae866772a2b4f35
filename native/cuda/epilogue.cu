// What follows a sum in f32, f64, bf16 or f16: bias, residual, activation, output scale. -DX_TYPE: type of the sums; -DY_TYPE: of output and residual;
// -DB_TYPE: of the bias.
#include "common.cuh"

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;
typedef Element<B_TYPE> B;

// The channel of element i is i / inner % channels: inner is the plane's size for channels first, 1 for channels last.
// bias and residual may be null. sums and output may be the same memory where their types are.
template <typename I>
static __device__ void epilogue(Y::stored *output, const X::stored *sums, const B::stored *bias, const Y::stored *residual, I count, I inner, I channels, X::real scale, int kind, X::real alpha, X::real beta, X::real output_scale)
{
    for (I i = (I)FIRST; i < count; i += (I)STEP)
    {
        X::real v = X::load(sums[i]);
        if (bias) v += (X::real)B::load(bias[i / inner % channels]);
        if (residual) v += scale * (X::real)Y::load(residual[i]);
        output[i] = Y::store((Y::real)(activate<X::real>(v, kind, alpha, beta) * output_scale));
    }
}

extern "C" __global__ void cn_epilogue(Y::stored *output, const X::stored *sums, const B::stored *bias, const Y::stored *residual, i64_t count, i64_t inner, i64_t channels, double residual_scale, int activation, double alpha, double beta, double output_scale)
{
    if (FITS_32(count)) epilogue<int>(output, sums, bias, residual, (int)count, (int)inner, (int)channels, (X::real)residual_scale, activation, (X::real)alpha, (X::real)beta, (X::real)output_scale);
    else epilogue<i64_t>(output, sums, bias, residual, count, inner, channels, (X::real)residual_scale, activation, (X::real)alpha, (X::real)beta, (X::real)output_scale);
}
