// Elements moved, not computed. -DBYTES: element size.
#include "common.cuh"

typedef Word<BYTES>::type T;

// Kernels flipped along every spatial axis: reversing all axes is reversing the flattened kernel. Layout [blocks, taps, inner].
extern "C" __global__ void cn_flip(T *to, const T *from, i64_t blocks, i64_t taps, i64_t inner)
{
    i64_t count = blocks * taps * inner;
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        i64_t j = i % inner, k = i / inner % taps, b = i / inner / taps;
        to[i] = from[(b * taps + taps - 1 - k) * inner + j];
    }
}

template <typename I>
static __device__ void shuffle(T *to, const T *from, const Strides &ts, const Strides &fs, i64_t count, I channels, I groups, I depth, I height, I width, bool last)
{
    I per_group = channels / groups;
    for (I i = (I)FIRST; i < (I)count; i += (I)STEP)
    {
        Place<I> p(i, channels, depth, height, width, last);
        i64_t target = p.at(ts);
        p.c = p.c % groups * per_group + p.c / groups;
        to[target] = from[p.at(fs)];
    }
}

// Output channel j*G + i is input channel i*(C/G) + j. The gradient is the same with groups = C/G.
extern "C" __global__ void cn_channel_shuffle(T *to, const T *from, Strides to_strides, Strides from_strides, i64_t batch, i64_t channels, i64_t groups, i64_t depth, i64_t height, i64_t width, int channels_last)
{
    i64_t count = batch * channels * depth * height * width;
    if (FITS_32(count)) shuffle<int>(to, from, to_strides, from_strides, count, (int)channels, (int)groups, (int)depth, (int)height, (int)width, channels_last != 0);
    else shuffle<i64_t>(to, from, to_strides, from_strides, count, channels, groups, depth, height, width, channels_last != 0);
}

// Matrices [batch, rows, columns] to [batch, columns, rows], in tiles of 32 x 32, so that reads and writes are both in order.
// Blocks of 32 x 8 threads; as many blocks as there are tiles, or fewer.
extern "C" __global__ void cn_transpose(T *to, const T *from, i64_t batch, i64_t rows, i64_t columns)
{
    __shared__ T tile[32][33];
    i64_t down = (rows + 31) / 32, across = (columns + 31) / 32, tiles = batch * down * across;
    for (i64_t t = blockIdx.x; t < tiles; t += gridDim.x)
    {
        i64_t b = t / across / down, r0 = t / across % down * 32, c0 = t % across * 32;
        const T *source_matrix = from + b * rows * columns;
        T *target = to + b * rows * columns;
        for (int j = threadIdx.y; j < 32; j += blockDim.y)
            if (r0 + j < rows && c0 + threadIdx.x < columns) tile[j][threadIdx.x] = source_matrix[(r0 + j) * columns + c0 + threadIdx.x];
        __syncthreads();
        for (int j = threadIdx.y; j < 32; j += blockDim.y)
            if (c0 + j < columns && r0 + threadIdx.x < rows) target[(c0 + j) * rows + r0 + threadIdx.x] = tile[threadIdx.x][j];
        __syncthreads();
    }
}
