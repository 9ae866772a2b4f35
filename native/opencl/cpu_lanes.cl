// Depthwise, or a few channels a group, on channels-last tensors: a vector holds neighbouring channels of one pixel, whole groups of it, so
// neither side is rearranged. Pixels at the border take the taps that exist. R pixels by one vector; P channels a group. KW and SW: columns of the
// kernel and their stride where columns lie side by side, so that one is loaded once for all pixels of a tile that see it; KW is 0 elsewhere.

enum { DEPTHS, ROWS, CHANNELS, KERNEL_D, KERNEL_H, KERNEL_W, X_N, X_D, X_H, X_W, Y_N, Y_D, Y_H, Y_W, STEP, COLUMNS, INNER, INNER_END, SOURCE_D, SOURCE_H, SOURCE_W, ROWS_PART, ROW_PARTS, CHANNEL_PARTS, BLOCKS_PART };

// Channel c of each group on all lanes of the group.
#if P == 1
#define SPREAD(M) M(0, v)
#elif P == 2 && L == 16
#define SPREAD(M) M(0, v.s0022446688aaccee) M(1, v.s1133557799bbddff)
#elif P == 2 && L == 8
#define SPREAD(M) M(0, v.s00224466) M(1, v.s11335577)
#elif P == 2
#define SPREAD(M) M(0, v.s0022) M(1, v.s1133)
#elif P == 4 && L == 16
#define SPREAD(M) M(0, v.s000044448888cccc) M(1, v.s111155559999dddd) M(2, v.s22226666aaaaeeee) M(3, v.s33337777bbbbffff)
#elif P == 4
#define SPREAD(M) M(0, v.s00004444) M(1, v.s11115555) M(2, v.s22226666) M(3, v.s33337777)
#else
#define SPREAD(M) M(0, v.s0000000088888888) M(1, v.s1111111199999999) M(2, v.s22222222aaaaaaaa) M(3, v.s33333333bbbbbbbb) \
    M(4, v.s44444444cccccccc) M(5, v.s55555555dddddddd) M(6, v.s66666666eeeeeeee) M(7, v.s77777777ffffffff)
#endif

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

// A tile's pixels, Y_W apart, leave.
inline __attribute__((always_inline)) void finish_tile(const TV *s, __global T *y, __global const T *z, long step, POST_ARGS)
{
#if COSTLY
    TV tile[R];
    UNROLL for (int r = 0; r < R; r++) tile[r] = s[r];
    _Pragma("nounroll") for (int r = 0; r < R; r++) finish(tile[r], y + r * step, z + r * step, POST_VALUES);
#else
    UNROLL for (int r = 0; r < R; r++) finish(s[r], y + r * step, z + r * step, POST_VALUES);
#endif
}

#if KW
#define SEEN ((R - 1) * SW + KW)
#define TAP(c, x) { TV e = x; UNROLL for (int r = 0; r < R; r++) if (q >= r * SW && q < r * SW + KW) s[r] = fma(e, LOAD(w + ((q - r * SW) * P + c) * L), s[r]); }

// sw: what the columns of the kernel show, from the first column of the tile's first pixel on. In a plain tile they lie side by side.
inline void multiply(__global T *y, __global const T *z, long step_y, TV begin, __global const T *x, __global const T *w0, __global const long *g, __global const long *sd, __global const long *sh, __global const long *sw, int plain, POST_ARGS)
{
    TV s[R];
    UNROLL for (int r = 0; r < R; r++) s[r] = begin;
    for (int i = 0; i < g[KERNEL_D]; i++)
        for (int j = 0; j < g[KERNEL_H]; j++)
        {
            if (sd[i] < 0 || sh[j] < 0) continue;
            __global const T *row = x + sd[i] * g[X_D] + sh[j] * g[X_H], *w = w0 + (i * g[KERNEL_H] + j) * KW * P * L;
            if (plain)
            {
                __global const T *at = row + sw[0] * g[X_W];
                UNROLL for (int q = 0; q < SEEN; q++)
                {
                    TV v = LOAD(at + q * g[X_W]);
                    SPREAD(TAP)
                }
            }
            else
                UNROLL for (int q = 0; q < SEEN; q++)
                    if (sw[q] >= 0)
                    {
                        TV v = LOAD(row + sw[q] * g[X_W]);
                        SPREAD(TAP)
                    }
        }
    finish_tile(s, y, z, step_y, POST_VALUES);
}
#else
#define BEGIN(r) TV s_##r = begin;
#define WEIGHT(c, x) TV w_##c = LOAD(w + c * L);
#define TAP(c, x) sum = fma(x, w_##c, sum);
#define TAP_ROW(r) { TV v = LOAD(at + r * step), sum = s_##r; SPREAD(TAP) s_##r = sum; }
#define END(r) s[r] = s_##r;

// Columns sources show for all pixels of the tile: the offsets of the first hold for the others.
inline void multiply(__global T *y, __global const T *z, long step_y, TV begin, __global const T *x, __global const T *w0, __global const long *g, __global const long *sd, __global const long *sh, __global const long *sw, long step, POST_ARGS)
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
    TV s[R];
    EACH_ROW(END)
    finish_tile(s, y, z, step_y, POST_VALUES);
}

inline TV border(TV sum, __global const T *x0, __global const T *w0, __global const long *g, __global const long *sd, __global const long *sh, __global const long *sw)
{
    for (int i = 0; i < g[KERNEL_D]; i++)
        for (int j = 0; j < g[KERNEL_H]; j++)
            for (int k = 0; k < g[KERNEL_W]; k++)
            {
                if (sd[i] < 0 || sh[j] < 0 || sw[k] < 0) continue;
                __global const T *w = w0 + ((i * g[KERNEL_H] + j) * g[KERNEL_W] + k) * P * L;
                TV v = LOAD(x0 + sd[i] * g[X_D] + sh[j] * g[X_H] + sw[k] * g[X_W]);
                SPREAD(WEIGHT)
                SPREAD(TAP)
            }
    return sum;
}
#endif

ONE_ITEM __kernel void cpu_lanes(__global const T *restrict source, __global const T *restrict weights, __global const T *restrict bias,
    __global const T *residual, __global T *result, __global const long *restrict g, POST_ARGS)
{
    long id = get_group_id(0);
    int b0 = id % g[CHANNEL_PARTS] * g[BLOCKS_PART], channels = g[CHANNELS], b1 = min(b0 + (int)g[BLOCKS_PART], (channels + L - 1) / L);
    id /= g[CHANNEL_PARTS];
    int h0 = id % g[ROW_PARTS] * g[ROWS_PART], h1 = min(h0 + (int)g[ROWS_PART], (int)g[ROWS]);
    id /= g[ROW_PARTS];
    int d = id % g[DEPTHS];
    long n = id / g[DEPTHS];
    int inner = g[INNER], inner_end = g[INNER_END], kernel_w = g[KERNEL_W], columns = g[COLUMNS];
    long block_size = g[KERNEL_D] * g[KERNEL_H] * kernel_w * P * L;
    for (int h = h0; h < h1; h++)
    {
        __global const long *sd = g + g[SOURCE_D] + d * g[KERNEL_D], *sh = g + g[SOURCE_H] + h * g[KERNEL_H], *sw = g + g[SOURCE_W];
        __global const T *x = source + n * g[X_N], *z = residual + n * g[Y_N] + d * g[Y_D] + h * g[Y_H];
        __global T *y = result + n * g[Y_N] + d * g[Y_D] + h * g[Y_H];
        for (int w = 0; w < columns;)
        {
#if KW
            int first = min(w, columns - R), is_inner = first >= inner && first + R <= inner_end;
#else
            int is_inner = w >= inner && w < inner_end, first = is_inner ? min(w, inner_end - R) : w;
#endif
            for (int block = b0; block < b1; block++)
            {
                // The last block ends with the channels.
                int c = min(block * L, channels - L);
                __global const T *v = weights + block * block_size;
#if KW
                multiply(y + first * g[Y_W] + c, z + first * g[Y_W] + c, g[Y_W], LOAD(bias + c), x + c, v, g, sd, sh, sw + first * SW, is_inner, POST_VALUES);
#else
                if (is_inner) multiply(y + first * g[Y_W] + c, z + first * g[Y_W] + c, g[Y_W], LOAD(bias + c), x + c, v, g, sd, sh, sw + first * kernel_w, g[STEP] * g[X_W], POST_VALUES);
                else finish(border(LOAD(bias + c), x + c, v, g, sd, sh, sw + w * kernel_w), y + w * g[Y_W] + c, z + w * g[Y_W] + c, POST_VALUES);
#endif
            }
            w = KW || is_inner ? first + R : w + 1;
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
