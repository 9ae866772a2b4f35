// Copies a tensor to other strides and another type. -DX_TYPE, -DY_TYPE: types of source and target.
#include "common.cuh"

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;

// Between floating types (rounds half to even once from f32), or between integers (saturates): `shift` is added on the way, so that
// u8 becomes s8 with shift -128.
extern "C" __global__ void cn_convert(Y::stored *to, const X::stored *from, Strides to_strides, Strides from_strides, i64_t batch, i64_t channels, i64_t depth, i64_t height, i64_t width, int shift, int channels_last)
{
    i64_t count = batch * channels * depth * height * width;
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        Place<i64_t> p(i, channels, depth, height, width, channels_last != 0);
        X::real v = X::load(from[p.at(from_strides)]);
        // -0 + 0 is +0: a conversion without a shift keeps the sign.
        if (shift != 0) v += (X::real)shift;
        to[p.at(to_strides)] = Y::store((Y::real)v);
    }
}
