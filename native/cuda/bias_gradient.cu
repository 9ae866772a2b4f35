// The gradient of the bias: the sum of dy over batch and space. -DX_TYPE: type of dy; -DY_TYPE: of the result.
#include "common.cuh"

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;
typedef X::real R;

// First step: partial[slice * channels + c], each slice a part of the batch * plane elements of a channel; slices and the order of
// every sum are fixed by the arguments, not by the grid. Blocks of 256 threads; slices * ceil(channels / 32) blocks, or fewer.
// Channels last: 32 neighbouring channels to a block, 8 rows at a time. Channels first: the same slices, one warp a channel.
extern "C" __global__ void cn_bias_partial(R *partial, const X::stored *dy, i64_t batch, i64_t channels, i64_t plane, i64_t slices, int channels_last)
{
    __shared__ R sums[256];
    i64_t bundles = (channels + 31) / 32, items = slices * bundles, length = batch * plane, part = (length + slices - 1) / slices;
    int lane = threadIdx.x % 32, row = threadIdx.x / 32;
    for (i64_t item = blockIdx.x; item < items; item += gridDim.x)
    {
        i64_t slice = item / bundles, c0 = item % bundles * 32, from = slice * part, to = from + part < length ? from + part : length;
        if (channels_last)
        {
            R sum = 0;
            if (c0 + lane < channels)
                for (i64_t i = from + row; i < to; i += 8) sum += X::load(dy[i * channels + c0 + lane]);
            sums[threadIdx.x] = sum;
            __syncthreads();
            if (row == 0 && c0 + lane < channels)
            {
                for (int r = 1; r < 8; r++) sum += sums[r * 32 + lane];
                partial[slice * channels + c0 + lane] = sum;
            }
            __syncthreads();
            continue;
        }
        for (int j = 0; j < 32; j += 8)
        {
            i64_t c = c0 + j + row;
            R sum = 0;
            if (c < channels)
            {
                i64_t n = from / plane, p = from % plane + lane;
                for (i64_t i = from + lane; i < to; i += 32, p += 32)
                {
                    while (p >= plane)
                    {
                        p -= plane;
                        n++;
                    }
                    sum += X::load(dy[(n * channels + c) * plane + p]);
                }
            }
            sums[threadIdx.x] = sum;
            __syncthreads();
            for (int half = 16; half > 0; half /= 2)
            {
                if (lane < half) sums[threadIdx.x] += sums[threadIdx.x + half];
                __syncthreads();
            }
            if (lane == 0 && c < channels) partial[slice * channels + c] = sums[threadIdx.x];
            __syncthreads();
        }
    }
}

// Second step: the slices of each channel, in order.
extern "C" __global__ void cn_bias_finish(Y::stored *result, const R *partial, i64_t channels, i64_t slices)
{
    for (i64_t c = FIRST; c < channels; c += STEP)
    {
        R sum = 0;
        for (i64_t s = 0; s < slices; s++) sum += partial[s * channels + c];
        result[c] = Y::store((Y::real)sum);
    }
}
