// Depthwise, or a few channels a group, on channels-last tensors: a vector holds neighbouring channels of one pixel, whole groups of it, so
// neither side is rearranged. Pixels at the border take the taps that exist. R pixels by one vector; P channels a group.

enum { DEPTHS, ROWS, CHANNELS, KERNEL_D, KERNEL_H, KERNEL_W, X_N, X_D, X_H, X_W, Y_N, Y_D, Y_H, Y_W, STEP, COLUMNS, INNER, INNER_END, SOURCE_D, SOURCE_H, SOURCE_W, ROWS_PART, ROW_PARTS };

// Channel c of each group on all lanes of the group.
#if P == 1
#define SPREAD(M) M(0, x)
#elif P == 2 && L == 16
#define SPREAD(M) M(0, x.s0022446688aaccee) M(1, x.s1133557799bbddff)
#elif P == 2 && L == 8
#define SPREAD(M) M(0, x.s00224466) M(1, x.s11335577)
#elif P == 2
#define SPREAD(M) M(0, x.s0022) M(1, x.s1133)
#elif P == 4 && L == 16
#define SPREAD(M) M(0, x.s000044448888cccc) M(1, x.s111155559999dddd) M(2, x.s22226666aaaaeeee) M(3, x.s33337777bbbbffff)
#elif P == 4
#define SPREAD(M) M(0, x.s00004444) M(1, x.s11115555) M(2, x.s22226666) M(3, x.s33337777)
#else
#define SPREAD(M) M(0, x.s0000000088888888) M(1, x.s1111111199999999) M(2, x.s22222222aaaaaaaa) M(3, x.s33333333bbbbbbbb) \
    M(4, x.s44444444cccccccc) M(5, x.s55555555dddddddd) M(6, x.s66666666eeeeeeee) M(7, x.s77777777ffffffff)
#endif

#define BEGIN(r) TV s_##r = begin;
#define WEIGHT(c, x) TV w_##c = LOAD(w + c * L);
#define TAP(c, x) sum = fma(x, w_##c, sum);
#define TAP_ROW(r) { TV x = LOAD(at + r * step), sum = s_##r; SPREAD(TAP) s_##r = sum; }
#define END(r) tile[r] = s_##r;

// Columns sources show for all pixels of the tile: the offsets of the first hold for the others.
inline void multiply(TV *tile, TV begin, __global const T *x, __global const T *w0, __global const long *g, __global const long *sd, __global const long *sh, __global const long *sw, long step)
{
    EACH_ROW(BEGIN)
    for (int i = 0; i < g[KERNEL_D]; i++)
        for (int j = 0; j < g[KERNEL_H]; j++)
        {
            if (sd[i] < 0 || sh[j] < 0) continue;
            __global const T *row = x + sd[i] * g[X_D] + sh[j] * g[X_H], *w = w0 + (i * g[KERNEL_H] + j) * g[KERNEL_W] * P * L;
            for (int k = 0; k < g[KERNEL_W]; k++, w += P * L)
            {
                __global const T *at = row + sw[k] * g[X_W];
                SPREAD(WEIGHT)
                EACH_ROW(TAP_ROW)
            }
        }
    EACH_ROW(END)
}

inline TV border(TV sum, __global const T *x0, __global const T *w0, __global const long *g, __global const long *sd, __global const long *sh, __global const long *sw)
{
    for (int i = 0; i < g[KERNEL_D]; i++)
        for (int j = 0; j < g[KERNEL_H]; j++)
            for (int k = 0; k < g[KERNEL_W]; k++)
            {
                if (sd[i] < 0 || sh[j] < 0 || sw[k] < 0) continue;
                __global const T *w = w0 + ((i * g[KERNEL_H] + j) * g[KERNEL_W] + k) * P * L;
                TV x = LOAD(x0 + sd[i] * g[X_D] + sh[j] * g[X_H] + sw[k] * g[X_W]);
                SPREAD(WEIGHT)
                SPREAD(TAP)
            }
    return sum;
}

inline void finish(TV v, __global T *y, __global const T *z, POST_ARGS)
{
#if COSTLY && RESIDUAL
    v += scale * LOAD(z);
    v = RESULT(TV, v);
#else
    v = post_vector(v, z, L, POST_VALUES);
#if COSTLY
    v = RESULT(TV, v);
#endif
#endif
    STORE(v, y);
}

ONE_ITEM __kernel void cpu_lanes(__global const T *restrict source, __global const T *restrict weights, __global const T *restrict bias,
    __global const T *residual, __global T *result, __global const long *restrict g, POST_ARGS)
{
    long id = get_group_id(0);
    int h0 = id % g[ROW_PARTS] * g[ROWS_PART], h1 = min(h0 + (int)g[ROWS_PART], (int)g[ROWS]);
    id /= g[ROW_PARTS];
    int d = id % g[DEPTHS];
    long n = id / g[DEPTHS];
    int channels = g[CHANNELS], inner = g[INNER], inner_end = g[INNER_END], kernel_w = g[KERNEL_W];
    long block_size = g[KERNEL_D] * g[KERNEL_H] * kernel_w * P * L;
    for (int h = h0; h < h1; h++)
    {
        __global const long *sd = g + g[SOURCE_D] + d * g[KERNEL_D], *sh = g + g[SOURCE_H] + h * g[KERNEL_H], *sw = g + g[SOURCE_W];
        __global const T *x = source + n * g[X_N], *z = residual + n * g[Y_N] + d * g[Y_D] + h * g[Y_H];
        __global T *y = result + n * g[Y_N] + d * g[Y_D] + h * g[Y_H];
        for (int w = 0; w < g[COLUMNS];)
        {
            int is_inner = w >= inner && w < inner_end, first = is_inner ? min(w, inner_end - R) : w;
            for (int block = 0; block * L < channels; block++)
            {
                // The last block ends with the channels.
                int c = min(block * L, channels - L);
                __global const T *v = weights + block * block_size;
                if (is_inner)
                {
                    TV tile[R];
                    multiply(tile, LOAD(bias + c), x + c, v, g, sd, sh, sw + first * kernel_w, g[STEP] * g[X_W]);
                    _Pragma("nounroll") for (int r = 0; r < R; r++) finish(tile[r], y + (first + r) * g[Y_W] + c, z + (first + r) * g[Y_W] + c, POST_VALUES);
                }
                else finish(border(LOAD(bias + c), x + c, v, g, sd, sh, sw + w * kernel_w), y + w * g[Y_W] + c, z + w * g[Y_W] + c, POST_VALUES);
            }
            w = is_inner ? first + R : w + 1;
        }
    }
}

// [block][tap][channel of the group][lane]. One work-item a lane of a block; flip reverses the kernel.
enum { PACK_CHANNELS, PACK_TAPS, PACK_KERNEL_H, PACK_KERNEL_W, PACK_N, PACK_C, PACK_D, PACK_H, PACK_W, PACK_FLIP };

__kernel void cpu_lanes_weights(__global const T *restrict w, __global const T *restrict bias, __global T *restrict packed, __global T *restrict init, __global const long *restrict g)
{
    long id = get_global_id(0), block = id / L, lane = id % L, taps = g[PACK_TAPS], channel = min(block * L, g[PACK_CHANNELS] - L) + lane;
    if (block * L >= g[PACK_CHANNELS]) return;
    init[channel] = bias ? bias[channel] : 0;
    for (int t = 0; t < taps; t++)
    {
        long f = g[PACK_FLIP] ? taps - 1 - t : t;
        __global const T *from = w + channel * g[PACK_N] + f / g[PACK_KERNEL_W] / g[PACK_KERNEL_H] * g[PACK_D] + f / g[PACK_KERNEL_W] % g[PACK_KERNEL_H] * g[PACK_H] + f % g[PACK_KERNEL_W] * g[PACK_W];
        for (int c = 0; c < P; c++) packed[((block * taps + t) * P + c) * L + lane] = from[c * g[PACK_C]];
    }
}
