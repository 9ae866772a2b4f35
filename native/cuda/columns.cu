// im2col and col2im. -DBYTES: element size of cn_im2col; -DX_TYPE, -DY_TYPE: types of cn_col2im's columns and image.
#include "common.cuh"

template <typename I, typename T>
static __device__ void unfold(T *columns, const T *image, const ColumnStrides &cs, const Strides &is, const Window &w, i64_t batch, i64_t channels, int mode, T constant, bool last)
{
    I taps = (I)(w.kernel[0] * w.kernel[1] * w.kernel[2]), positions = (I)(w.output[0] * w.output[1] * w.output[2]), depth = (I)channels;
    I kh = (I)w.kernel[1], kw = (I)w.kernel[2], oh = (I)w.output[1], ow = (I)w.output[2];
    I count = (I)(batch * channels) * taps * positions;
    for (I i = (I)FIRST; i < count; i += (I)STEP)
    {
        I c, k, l, n, rest = i;
        if (last)
        {
            c = rest % depth;
            rest /= depth;
            k = rest % taps;
            rest /= taps;
            l = rest % positions;
            n = rest / positions;
        }
        else
        {
            l = rest % positions;
            rest /= positions;
            k = rest % taps;
            rest /= taps;
            c = rest % depth;
            n = rest / depth;
        }
        i64_t z = source((i64_t)(l / ow / oh) * w.stride[0] - w.pad[0] + (i64_t)(k / kw / kh) * w.dilation[0], w.image[0], mode);
        i64_t y = source((i64_t)(l / ow % oh) * w.stride[1] - w.pad[1] + (i64_t)(k / kw % kh) * w.dilation[1], w.image[1], mode);
        i64_t x = source((i64_t)(l % ow) * w.stride[2] - w.pad[2] + (i64_t)(k % kw) * w.dilation[2], w.image[2], mode);
        columns[n * cs.n + c * cs.c + k * cs.k + l * cs.l] = (z | y | x) < 0 ? constant : image[n * is.n + c * is.c + z * is.s[0] + y * is.s[1] + x * is.s[2]];
    }
}

extern "C" __global__ void cn_im2col(void *columns, const void *image, ColumnStrides column_strides, Strides image_strides, Window w, i64_t batch, i64_t channels, int mode, u64_t constant, int channels_last)
{
    typedef Word<BYTES>::type T;
    i64_t count = batch * channels * w.kernel[0] * w.kernel[1] * w.kernel[2] * w.output[0] * w.output[1] * w.output[2];
    if (FITS_32(count)) unfold<int, T>((T *)columns, (const T *)image, column_strides, image_strides, w, batch, channels, mode, (T)constant, channels_last != 0);
    else unfold<i64_t, T>((T *)columns, (const T *)image, column_strides, image_strides, w, batch, channels, mode, (T)constant, channels_last != 0);
}

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;

// The output position whose tap k lies on image position q, or -1.
static __device__ inline i64_t covers(i64_t q, i64_t k, const Window &w, int axis)
{
    i64_t start = q + w.pad[axis] - k * w.dilation[axis];
    return start >= 0 && start % w.stride[axis] == 0 && start / w.stride[axis] < w.output[axis] ? start / w.stride[axis] : -1;
}

// Each image element gathers the columns that cover it, in a fixed order; what falls into the padding is lost.
extern "C" __global__ void cn_col2im(Y::stored *image, const X::stored *columns, Strides image_strides, ColumnStrides column_strides, Window w, i64_t batch, i64_t channels, int channels_last)
{
    i64_t count = batch * channels * w.image[0] * w.image[1] * w.image[2];
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        Place<i64_t> p(i, channels, w.image[0], w.image[1], w.image[2], channels_last != 0);
        const X::stored *from = columns + p.n * column_strides.n + p.c * column_strides.c;
        X::real sum = 0;
        for (i64_t kz = 0; kz < w.kernel[0]; kz++)
        {
            i64_t z = covers(p.z, kz, w, 0);
            if (z < 0) continue;
            for (i64_t ky = 0; ky < w.kernel[1]; ky++)
            {
                i64_t y = covers(p.y, ky, w, 1);
                if (y < 0) continue;
                for (i64_t kx = 0; kx < w.kernel[2]; kx++)
                {
                    i64_t x = covers(p.x, kx, w, 2);
                    if (x < 0) continue;
                    i64_t k = (kz * w.kernel[1] + ky) * w.kernel[2] + kx, l = (z * w.output[1] + y) * w.output[2] + x;
                    sum += X::load(from[k * column_strides.k + l * column_strides.l]);
                }
            }
        }
        image[p.at(image_strides)] = Y::store((Y::real)sum);
    }
}
