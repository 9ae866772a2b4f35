// Depthwise, stride 1, rows of results as long as those of the source, channels-first: a plane is one line, in which a tap is a distance. Vectors
// run along it; what they read of the row before or after is masked out of the sums of a column of taps. A plane's rows are copied to local memory (a
// thread's own) beside rows of zeros. KH by KW taps side by side; R vectors one below the other, M rows apart.

enum { CHANNELS, CHANNELS_PART, CHANNEL_PARTS, ROWS, ROWS_PART, ROW_PARTS, SOURCE_ROWS, WIDTH, TOP, LEFT, X_N, X_C, Y_N, Y_C };

#ifdef USE_F64
#define MASK_OF long
#else
#define MASK_OF int
#endif
typedef CAT(MASK_OF, L) MASK;
#define KEEP(v, m) CAT(as_, CAT(T, L))(CAT(as_, CAT(MASK_OF, L))(v) & (m))

inline void finish(TV v, __global T *y, __global const T *z, int n, POST_ARGS)
{
#if COSTLY && RESIDUAL
    v += scale * (n == L ? LOAD(z) : load_some(z, n));
    v = RESULT(TV, v);
#else
    v = post_vector(v, z, n, POST_VALUES);
#if COSTLY
    v = RESULT(TV, v);
#endif
#endif
    if (n == L) STORE(v, y);
    else store_some(v, y, n);
}

// R vectors whose first element lies at x for the first tap, and at y; count elements are left from y on.
inline void multiply(__global T *y, __global const T *z, int count, __local const T *x, int width, T bias, __global const T *w, __global const MASK *masks, POST_ARGS)
{
    TV s[R];
    UNROLL for (int r = 0; r < R; r++) s[r] = (TV)(bias);
    // Unrolled, all weights would be loaded first, and stored again.
    _Pragma("nounroll") for (int k = 0; k < KW; k++)
    {
        TV t[R];
        UNROLL for (int r = 0; r < R; r++) t[r] = (TV)(0);
        UNROLL for (int e = 0; e < (R - 1) * M + KH; e++)
        {
            TV v = LOAD(x + e * width + k);
            UNROLL for (int r = 0; r < R; r++)
                if (e >= r * M && e < r * M + KH) t[r] = fma(v, (TV)(w[(e - r * M) * KW + k]), t[r]);
        }
        UNROLL for (int r = 0; r < R; r++) s[r] += KEEP(t[r], masks[k]);
    }
#if COSTLY
    TV tile[R];
    UNROLL for (int r = 0; r < R; r++) tile[r] = s[r];
    _Pragma("nounroll") for (int r = 0; r < R; r++)
    {
        int at = r * M * width;
        if (count > at) finish(tile[r], y + at, z + at, min(L, count - at), POST_VALUES);
    }
#else
    UNROLL for (int r = 0; r < R; r++)
    {
        int at = r * M * width;
        if (count > at) finish(s[r], y + at, z + at, min(L, count - at), POST_VALUES);
    }
#endif
}

inline void fill(__local T *to, int n)
{
    for (int i = 0; i < n; i++) to[i] = 0;
}

ONE_ITEM __kernel void cpu_flat(__global const T *restrict source, __global const T *restrict weights, __global const T *restrict bias,
    __global const T *residual, __global T *result, __global const long *restrict g, __global const MASK *restrict masks, __local T *scratch, POST_ARGS)
{
    long id = get_group_id(0);
    int c0 = id % g[CHANNEL_PARTS] * g[CHANNELS_PART], c1 = min(c0 + (int)g[CHANNELS_PART], (int)g[CHANNELS]);
    id /= g[CHANNEL_PARTS];
    int h0 = id % g[ROW_PARTS] * g[ROWS_PART], h1 = min(h0 + (int)g[ROWS_PART], (int)g[ROWS]);
    long n = id / g[ROW_PARTS];

    // The rows that taps read, and those of them that the source has: none where the part lies wholly in padding.
    int width = g[WIDTH], first = h0 + g[TOP], end = h1 + g[TOP] + KH - 1, from = clamp(0, first, end), to = clamp((int)g[SOURCE_ROWS], from, end);

    // The first element of the first row; taps reach LEFT elements back.
    __local T *panel = scratch + L;
    fill(panel, (from - first) * width);
    fill(panel + (to - first) * width, (end - to) * width);
    for (int c = c0; c < c1; c++)
    {
        __global const T *x = source + n * g[X_N] + c * g[X_C] + (long)from * width;
        __local T *rows = panel + (from - first) * width;
        int count = (to - from) * width;
        if (count >= L)
            for (int i = 0; i < count; i += L)
            {
                int at = min(i, count - L);
                STORE_LOCAL(LOAD(x + at), rows + at);
            }
        else
            for (int i = 0; i < count; i++) rows[i] = x[i];
        long place = n * g[Y_N] + c * g[Y_C];
        for (int h = h0; h < h1; h += R * M)
            for (int q = 0, block = 0; q < width; q += L, block++)
            {
                int column = width >= L ? min(q, width - L) : 0;
                long at = place + (long)h * width + column;
                multiply(result + at, residual + at, (h1 - h) * width - column, panel + (h - h0) * width + column + g[LEFT], width, bias[c],
                    weights + c * KH * KW, masks + block * KW, POST_VALUES);
            }
    }
}

// [channel][tap]. One work-item a channel.
enum { PACK_CHANNELS, PACK_CHANNEL, PACK_TAPS };

__kernel void cpu_flat_weights(__global const T *restrict w, __global const T *restrict bias, __global T *restrict packed, __global T *restrict init, __global const long *restrict g)
{
    long channel = get_global_id(0);
    if (channel >= g[PACK_CHANNELS]) return;
    init[channel] = bias ? bias[channel] : 0;
    for (int t = 0; t < KH * KW; t++) packed[channel * KH * KW + t] = w[channel * g[PACK_CHANNEL] + g[PACK_TAPS + t]];
}
