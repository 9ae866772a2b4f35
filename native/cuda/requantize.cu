// What follows the integer sums of an 8-bit convolution. -DX_TYPE: type of the input (cn_window_sum) and of the weights (cn_weight_sum);
// -DY_TYPE: type of output and residual.
#include "common.cuh"

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;

// Doubles hold every integer sum. Rounds half to even, then the zero point, then saturates.
static __device__ inline Y::stored finish(double v, int zero_point)
{
    if (Y_TYPE == S8 || Y_TYPE == U8 || Y_TYPE == S32)
    {
        double least = Y_TYPE == S8 ? -128.0 : Y_TYPE == U8 ? 0.0 : -2147483648.0, most = Y_TYPE == S8 ? 127.0 : Y_TYPE == U8 ? 255.0 : 2147483647.0;
        v = rint(v) + zero_point;
        v = v > least ? v < most ? v : most : least;
    }
    return Y::store((Y::real)v);
}

// sums[i] - offset[o] - weight_zero[o] * window[..] + bias[o], in units of unit[o] = input scale * weight scale[o].
// offset, weight_zero and bias have one element a channel and may be null; window (cn_window_sum's) goes with weight_zero.
// has_post_ops = 0: one factor unit[o] / output_scale is used, as ONNX's reference has it. Else residual, activation and post_scale.
extern "C" __global__ void cn_requantize(Y::stored *output, const int *sums, const i64_t *offset, const int *weight_zero, const int *window, const int *bias, const double *unit, const Y::stored *residual, i64_t count, i64_t inner, i64_t channels, i64_t groups, double residual_scale, double output_scale, int zero_point, int has_post_ops, int activation, double alpha, double beta, double post_scale)
{
    i64_t per_group = channels / groups;
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        i64_t o = i / inner % channels;
        double v = (double)sums[i];
        if (offset) v -= (double)offset[o];
        if (weight_zero) v -= (double)weight_zero[o] * (double)window[(i / inner / channels * groups + o / per_group) * inner + i % inner];
        if (bias) v += (double)bias[o];
        if (!has_post_ops) v *= unit[o] / output_scale;
        else
        {
            v *= unit[o];
            if (residual) v += ((double)Y::load(residual[i]) - zero_point) * output_scale * residual_scale;
            v = activate<double>(v, activation, alpha, beta) * post_scale / output_scale;
        }
        output[i] = finish(v, zero_point);
    }
}

// For each position and group the sum of the inputs that the kernel covers: [N, G, positions], channels last [N, positions, G].
// What lies outside counts as `outside` (0, or the zero point where the sums saw it as padding).
extern "C" __global__ void cn_window_sum(int *window_sums, const X::stored *input, Strides strides, Window w, i64_t batch, i64_t channels, i64_t groups, int outside, int channels_last)
{
    i64_t positions = w.output[0] * w.output[1] * w.output[2], count = batch * groups * positions, per_group = channels / groups;
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        i64_t g = channels_last ? i % groups : i / positions % groups, l = channels_last ? i / groups % positions : i % positions, n = i / groups / positions;
        i64_t z0 = l / w.output[2] / w.output[1] * w.stride[0] - w.pad[0], y0 = l / w.output[2] % w.output[1] * w.stride[1] - w.pad[1], x0 = l % w.output[2] * w.stride[2] - w.pad[2];
        int sum = 0;
        for (i64_t k = 0; k < w.kernel[0] * w.kernel[1] * w.kernel[2]; k++)
        {
            i64_t z = z0 + k / w.kernel[2] / w.kernel[1] * w.dilation[0], y = y0 + k / w.kernel[2] % w.kernel[1] * w.dilation[1], x = x0 + k % w.kernel[2] * w.dilation[2];
            if (z < 0 || z >= w.image[0] || y < 0 || y >= w.image[1] || x < 0 || x >= w.image[2])
            {
                sum += outside * (int)per_group;
                continue;
            }
            const X::stored *at = input + n * strides.n + g * per_group * strides.c + z * strides.s[0] + y * strides.s[1] + x * strides.s[2];
            for (i64_t c = 0; c < per_group; c++) sum += (int)X::load(at[c * strides.c]);
        }
        window_sums[i] = sum;
    }
}

// offset[o] = input_zero * (sum of the weights of channel o - taps * weight_zero[o]): what zero points add to a sum whose padding
// counts as the input's zero point. weights [channels, count] dense; a transposed problem's are rearranged first. weight_zero may be null.
extern "C" __global__ void cn_weight_sum(i64_t *offset, const X::stored *weights, const int *weight_zero, i64_t channels, i64_t count, int input_zero)
{
    for (i64_t o = FIRST; o < channels; o += STEP)
    {
        i64_t sum = 0;
        for (i64_t i = 0; i < count; i++) sum += (i64_t)X::load(weights[o * count + i]);
        if (weight_zero) sum -= count * weight_zero[o];
        offset[o] = input_zero * sum;
    }
}
