// Deformable convolution v1 and v2, everything but the matrix products. -DX_TYPE: type of input, offset, mask and their gradients;
// -DY_TYPE: type of the columns (f32 or f64).
#include "common.cuh"

typedef Element<X_TYPE> X;
typedef Element<Y_TYPE> Y;
typedef Y::real R;

// Sizes. Offsets [N, 2*OG*taps, OH, OW], dy before dx; mask [N, OG*taps, OH, OW]; both always dense, channels first.
struct Deform { i64_t batch, channels, offset_groups, height, width, kernel_h, kernel_w, out_h, out_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w; };

// Where a tap looks: four neighbours (-1 outside) and the place between them.
struct Spot
{
    i64_t top_left, top_right, bottom_left, bottom_right;
    R y, x, mask;
    bool outside;

    __device__ inline Spot(const X::stored *offset, const X::stored *mask_, const Deform &d, const Strides &s, i64_t n, i64_t og, i64_t k, i64_t p)
    {
        i64_t plane = d.out_h * d.out_w, taps = d.kernel_h * d.kernel_w, row = (n * d.offset_groups + og) * taps + k;
        const X::stored *o = offset + row * 2 * plane + p;
        R py = (R)(p / d.out_w * d.stride_h - d.pad_h + k / d.kernel_w * d.dilation_h) + (R)X::load(o[0]);
        R px = (R)(p % d.out_w * d.stride_w - d.pad_w + k % d.kernel_w * d.dilation_w) + (R)X::load(o[plane]);
        mask = mask_ ? (R)X::load(mask_[row * plane + p]) : (R)1;
        // A NaN fails every comparison, and makes the sampled value NaN.
        outside = py < -1 || py >= (R)d.height || px < -1 || px >= (R)d.width;
        bool whole = !outside && py == py && px == px;
        R fy = floor_of(py), fx = floor_of(px);
        y = py - fy;
        x = px - fx;
        i64_t t = whole ? (i64_t)fy : 0, l = whole ? (i64_t)fx : 0;
        bool up = t >= 0, down = t + 1 < d.height, left = l >= 0, right = l + 1 < d.width;
        i64_t at = t * s.s[1] + l * s.s[2];
        top_left = !outside && up && left ? at : -1;
        top_right = !outside && up && right ? at + s.s[2] : -1;
        bottom_left = !outside && down && left ? at + s.s[1] : -1;
        bottom_right = !outside && down && right ? at + s.s[1] + s.s[2] : -1;
    }

    static __device__ inline float floor_of(float v) { return floorf(v); }
    static __device__ inline double floor_of(double v) { return floor(v); }
    static __device__ inline R at(const X::stored *plane, i64_t i) { return i < 0 ? (R)0 : (R)X::load(plane[i]); }

    __device__ inline R value(const X::stored *plane) const
    {
        if (outside) return 0;
        return (1 - y) * ((1 - x) * at(plane, top_left) + x * at(plane, top_right)) + y * ((1 - x) * at(plane, bottom_left) + x * at(plane, bottom_right));
    }
};

// An item of work: image, offset group, tap, position, and the channels [c, end). Positions run fastest, and a thread walks `chunk`
// channels, for which it finds the spot once; channels last: channels run fastest, one to a thread.
struct Item
{
    i64_t n, og, k, p, c, end;

    static __device__ inline i64_t count(const Deform &d, i64_t chunk, bool last)
    {
        i64_t per_group = d.channels / d.offset_groups, taps = d.kernel_h * d.kernel_w, plane = d.out_h * d.out_w;
        return last ? d.batch * plane * taps * d.channels : d.batch * d.offset_groups * ((per_group + chunk - 1) / chunk) * taps * plane;
    }

    __device__ inline Item(i64_t i, const Deform &d, i64_t chunk, bool last)
    {
        i64_t per_group = d.channels / d.offset_groups, taps = d.kernel_h * d.kernel_w, plane = d.out_h * d.out_w;
        if (last)
        {
            c = i % d.channels;
            i /= d.channels;
            end = c + 1;
            og = c / per_group;
            k = i % taps;
            i /= taps;
            p = i % plane;
            n = i / plane;
            return;
        }
        i64_t chunks = (per_group + chunk - 1) / chunk;
        p = i % plane;
        i /= plane;
        k = i % taps;
        i /= taps;
        i64_t part = i % chunks;
        i /= chunks;
        og = i % d.offset_groups;
        n = i / d.offset_groups;
        c = og * per_group + part * chunk;
        end = part + 1 == chunks ? (og + 1) * per_group : c + chunk;
    }
};

// columns[n, c, k, p] = mask * interpolated input.
extern "C" __global__ void cn_deform_columns(Y::stored *columns, const X::stored *input, const X::stored *offset, const X::stored *mask, Deform d, Strides strides, ColumnStrides column_strides, i64_t chunk, int channels_last)
{
    i64_t count = Item::count(d, chunk, channels_last != 0);
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        Item t(i, d, chunk, channels_last != 0);
        Spot s(offset, mask, d, strides, t.n, t.og, t.k, t.p);
        for (i64_t c = t.c; c < t.end; c++)
            columns[t.n * column_strides.n + c * column_strides.c + t.k * column_strides.k + t.p * column_strides.l] = Y::store(s.mask * s.value(input + t.n * strides.n + c * strides.c));
    }
}

static __device__ inline void give(R *plane, i64_t i, R v)
{
    if (i >= 0) atomicAdd(plane + i, v);
}

// The gradient of the input: every column hands its gradient to its four neighbours. gradient (type R) is zeroed before, with the
// input's strides. Atomic: the order of sums, and so their rounding, differs from run to run.
extern "C" __global__ void cn_deform_data(R *gradient, const Y::stored *columns, const X::stored *offset, const X::stored *mask, Deform d, Strides strides, ColumnStrides column_strides, i64_t chunk, int channels_last)
{
    i64_t count = Item::count(d, chunk, channels_last != 0);
    for (i64_t i = FIRST; i < count; i += STEP)
    {
        Item t(i, d, chunk, channels_last != 0);
        Spot s(offset, mask, d, strides, t.n, t.og, t.k, t.p);
        if (s.outside) continue;
        for (i64_t c = t.c; c < t.end; c++)
        {
            R v = s.mask * Y::load(columns[t.n * column_strides.n + c * column_strides.c + t.k * column_strides.k + t.p * column_strides.l]);
            R *plane = gradient + t.n * strides.n + c * strides.c;
            give(plane, s.top_left, (1 - s.y) * (1 - s.x) * v);
            give(plane, s.top_right, (1 - s.y) * s.x * v);
            give(plane, s.bottom_left, s.y * (1 - s.x) * v);
            give(plane, s.bottom_right, s.y * s.x * v);
        }
    }
}

static __device__ inline void put(R *plane, i64_t i, R v)
{
    if (i >= 0) plane[i] += v;
}

// The same in a fixed order: one thread owns a channel of an image. Far fewer threads; for deterministic plans.
extern "C" __global__ void cn_deform_data_ordered(R *gradient, const Y::stored *columns, const X::stored *offset, const X::stored *mask, Deform d, Strides strides, ColumnStrides column_strides)
{
    i64_t per_group = d.channels / d.offset_groups, taps = d.kernel_h * d.kernel_w, plane_size = d.out_h * d.out_w;
    for (i64_t i = FIRST; i < d.batch * d.channels; i += STEP)
    {
        i64_t n = i / d.channels, c = i % d.channels;
        R *plane = gradient + n * strides.n + c * strides.c;
        for (i64_t k = 0; k < taps; k++)
            for (i64_t p = 0; p < plane_size; p++)
            {
                Spot s(offset, mask, d, strides, n, c / per_group, k, p);
                if (s.outside) continue;
                R v = s.mask * Y::load(columns[n * column_strides.n + c * column_strides.c + k * column_strides.k + p * column_strides.l]);
                put(plane, s.top_left, (1 - s.y) * (1 - s.x) * v);
                put(plane, s.top_right, (1 - s.y) * s.x * v);
                put(plane, s.bottom_left, s.y * (1 - s.x) * v);
                put(plane, s.bottom_right, s.y * s.x * v);
            }
    }
}

// The gradients of offset and mask; either result may be null. A thread sums over the channels of an offset group, in order.
// At whole pixels, where the slope jumps, the cell that floor picks decides.
extern "C" __global__ void cn_deform_offset_mask(X::stored *offset_gradient, X::stored *mask_gradient, const Y::stored *columns, const X::stored *input, const X::stored *offset, const X::stored *mask, Deform d, Strides strides, ColumnStrides column_strides)
{
    i64_t per_group = d.channels / d.offset_groups, taps = d.kernel_h * d.kernel_w, plane_size = d.out_h * d.out_w;
    for (i64_t i = FIRST; i < d.batch * d.offset_groups * taps * plane_size; i += STEP)
    {
        i64_t p = i % plane_size, k = i / plane_size % taps, og = i / plane_size / taps % d.offset_groups, n = i / plane_size / taps / d.offset_groups;
        Spot s(offset, mask, d, strides, n, og, k, p);
        R along_y = 0, along_x = 0, along_mask = 0;
        if (!s.outside)
            for (i64_t c = og * per_group; c < (og + 1) * per_group; c++)
            {
                const X::stored *plane = input + n * strides.n + c * strides.c;
                R v = Y::load(columns[n * column_strides.n + c * column_strides.c + k * column_strides.k + p * column_strides.l]);
                R a = Spot::at(plane, s.top_left), b = Spot::at(plane, s.top_right), e = Spot::at(plane, s.bottom_left), f = Spot::at(plane, s.bottom_right);
                along_y += v * s.mask * ((1 - s.x) * (e - a) + s.x * (f - b));
                along_x += v * s.mask * ((1 - s.y) * (b - a) + s.y * (f - e));
                along_mask += v * s.value(plane);
            }
        i64_t row = (n * d.offset_groups + og) * taps + k;
        if (offset_gradient)
        {
            offset_gradient[row * 2 * plane_size + p] = X::store((X::real)along_y);
            offset_gradient[(row * 2 + 1) * plane_size + p] = X::store((X::real)along_x);
        }
        if (mask_gradient) mask_gradient[row * plane_size + p] = X::store((X::real)along_mask);
    }
}
