// Padded copy, and its adjoint. -DBYTES: element size of cn_pad; -DX_TYPE, -DY_TYPE: types of cn_fold (see README.md).
#include "common.cuh"

// Axes d, h, w: extended position e stands for position e - begin of the image; extended = begin + size + end, end may be negative.
struct Extent { i64_t size[3], begin[3], extended[3]; };

template <typename I, typename T>
static __device__ void pad(T *to, const T *from, const Strides &ts, const Strides &fs, i64_t batch, i64_t channels, const Extent &e, int mode, T constant, bool last)
{
    I count = (I)(batch * channels * e.extended[0] * e.extended[1] * e.extended[2]);
    for (I i = (I)FIRST; i < count; i += (I)STEP)
    {
        Place<I> p(i, (I)channels, (I)e.extended[0], (I)e.extended[1], (I)e.extended[2], last);
        i64_t z = source(p.z - e.begin[0], e.size[0], mode), y = source(p.y - e.begin[1], e.size[1], mode), x = source(p.x - e.begin[2], e.size[2], mode);
        to[p.at(ts)] = (z | y | x) < 0 ? constant : from[p.n * fs.n + p.c * fs.c + z * fs.s[0] + y * fs.s[1] + x * fs.s[2]];
    }
}

extern "C" __global__ void cn_pad(void *to, const void *from, Strides to_strides, Strides from_strides, i64_t batch, i64_t channels, Extent e, int mode, u64_t constant, int channels_last)
{
    typedef Word<BYTES>::type T;
    i64_t count = batch * channels * e.extended[0] * e.extended[1] * e.extended[2];
    if (FITS_32(count)) pad<int, T>((T *)to, (const T *)from, to_strides, from_strides, batch, channels, e, mode, (T)constant, channels_last != 0);
    else pad<i64_t, T>((T *)to, (const T *)from, to_strides, from_strides, batch, channels, e, mode, (T)constant, channels_last != 0);
}

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;

// Walks the extended positions of one axis that stand for position i: its own, and those of the padding.
struct Images
{
    i64_t i, size, begin, extended, at;
    int mode;
    __device__ inline Images(i64_t i_, i64_t size_, i64_t begin_, i64_t extended_, int mode_) : i(i_), size(size_), begin(begin_), extended(extended_), at(-2), mode(mode_) {}

    // The next one, or -1.
    __device__ inline i64_t next()
    {
        if (at == -2)
        {
            at = -1;
            if (i + begin < extended) return i + begin;
        }
        for (;;)
        {
            at = at + 1 == begin ? begin + size : at + 1;
            if (mode < PAD_REFLECT || at >= extended) return -1;
            if (source(at - begin, size, mode) == i) return at;
        }
    }
};

// Each element of the image gathers what its copies received, in a fixed order.
extern "C" __global__ void cn_fold(Y::stored *to, const X::stored *from, Strides to_strides, Strides from_strides, i64_t batch, i64_t channels, Extent e, int mode, int channels_last)
{
    i64_t count = batch * channels * e.size[0] * e.size[1] * e.size[2];
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        Place<i64_t> p(i, channels, e.size[0], e.size[1], e.size[2], channels_last != 0);
        X::real sum = 0;
        const X::stored *plane = from + p.n * from_strides.n + p.c * from_strides.c;
        Images zs(p.z, e.size[0], e.begin[0], e.extended[0], mode);
        for (i64_t z = zs.next(); z >= 0; z = zs.next())
        {
            Images ys(p.y, e.size[1], e.begin[1], e.extended[1], mode);
            for (i64_t y = ys.next(); y >= 0; y = ys.next())
            {
                Images xs(p.x, e.size[2], e.begin[2], e.extended[2], mode);
                for (i64_t x = xs.next(); x >= 0; x = xs.next())
                    sum += X::load(plane[z * from_strides.s[0] + y * from_strides.s[1] + x * from_strides.s[2]]);
            }
        }
        to[p.at(to_strides)] = Y::store((Y::real)sum);
    }
}
