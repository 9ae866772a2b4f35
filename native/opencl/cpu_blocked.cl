// Dense and grouped convolution, forward and by the adjoint view: tiles of R pixels against V vectors of output channels, whose sums
// stay in registers. Source elements come from panels ([channel][column], see cpu_pack.cl) or from the tensor itself,
// channels-first or channels-last.
// Set by the host: R, V, S (elements from one pixel's source column to the next).

enum { BLOCKS, BLOCKS_PART, BLOCK_PARTS, ROWS_PART, ROW_PARTS, CHUNKS, DEPTHS, GROUPS, PHASES, CHANNELS,
    A_N, A_G, A_D, A_H, Y_N, Y_C, Y_D, Y_H, Y_W, CHUNK_TABLE, PHASE_TABLE };
enum { FIRST_D, STEP_D, COUNT_D, FIRST_H, STEP_H, COUNT_H, FIRST_W, STEP_W, COUNT_W, TAPS, RUN, A_STEP, TAP_TABLE, WEIGHTS, WEIGHTS_GROUP, WEIGHTS_BLOCK, PHASE_SIZE };

#define BEGIN(r, v) TV s_##r##_##v = LOAD(begin + v * L);
#define BEGIN_ROW(r) EACH_VECTOR(BEGIN, r)
#define WEIGHT(r, v) TV w_##v = LOAD(w + v * L);
#define MULTIPLY(r, v) s_##r##_##v = fma(x_##r, w_##v, s_##r##_##v);
#define MULTIPLY_ROW(r) TV x_##r = (TV)(a[r * S]); EACH_VECTOR(MULTIPLY, r)
#define END(r, v) tile[r * V + v] = s_##r##_##v;
#define END_ROW(r) EACH_VECTOR(END, r)

inline void multiply(TV *tile, __global const T *begin, __global const T *a0, __global const T *w, __global const long *taps, int count, int run, long step)
{
    EACH_ROW(BEGIN_ROW)
    for (int t = 0; t < count; t++)
    {
        __global const T *a = a0 + taps[t];
        for (int e = 0; e < run; e++)
        {
            EACH_VECTOR(WEIGHT, 0)
            EACH_ROW(MULTIPLY_ROW)
            a += step;
            w += V * L;
        }
    }
    EACH_ROW(END_ROW)
}

// Channels side by side: rows of the tile as they are.
inline void store_pixels(const TV *tile, __global T *y, __global const T *z, long step, POST_ARGS)
{
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int v = 0; v < V; v++)
            STORE(post_vector(tile[r * V + v], z + r * step + v * L, L, POST_VALUES), y + r * step + v * L);
}

// Pixels side by side: the tile is transposed in registers.
inline void store_planes(const TV *tile, __global T *y, __global const T *z, long step, int channels, POST_ARGS)
{
    UNROLL for (int v = 0; v < V; v++)
        UNROLL for (int r0 = 0; r0 < R; r0 += L)
        {
            const int n = R - r0 < L ? R - r0 : L;
            TV m[L];
            UNROLL for (int i = 0; i < L; i++) m[i] = i < n ? tile[(r0 + i) * V + v] : (TV)(0);
            transpose(m);
            UNROLL for (int i = 0; i < L; i++)
                if (v * L + i < channels)
                {
                    long at = (v * L + i) * step + r0;
                    store_some(post_vector(m[i], z + at, n, POST_VALUES), y + at, n);
                }
        }
}

// Everything else: one element at a time.
inline void store_elements(const TV *tile, __global T *y, __global const T *z, long pixel, long channel, int pixels, int channels, POST_ARGS)
{
    const T *rows = (const T *)tile;
    for (int r = 0; r < pixels; r++)
        for (int c = 0; c < channels; c++)
        {
            long at = r * pixel + c * channel;
#if COSTLY && !RESIDUAL
            y[at] = rows[r * V * L + c];
#else
            y[at] = post_one(rows[r * V * L + c], z + at, POST_VALUES);
#endif
        }
}

ONE_ITEM __kernel void cpu_blocked(__global const T *restrict a, __global const T *restrict weights, __global const T *restrict init,
    __global const T *residual, __global T *result, __global const long *restrict g, POST_ARGS)
{
    long id = get_group_id(0);
    int blocks = id % g[BLOCK_PARTS] * g[BLOCKS_PART];
    id /= g[BLOCK_PARTS];
    int chunk = id % g[CHUNKS];
    id /= g[CHUNKS];
    int h0 = id % g[ROW_PARTS] * g[ROWS_PART];
    id /= g[ROW_PARTS];
    int d = id % g[DEPTHS];
    id /= g[DEPTHS];
    int group = id % g[GROUPS];
    long n = id / g[GROUPS];
    __global const T *source = a + n * g[A_N] + group * g[A_G] + d * g[A_D]
        + g[g[CHUNK_TABLE] + g[CHUNKS] + 1 + chunk];
    int begin = g[g[CHUNK_TABLE] + chunk], end_chunk = g[g[CHUNK_TABLE] + chunk + 1];
    int end_block = min(blocks + (int)g[BLOCKS_PART], (int)g[BLOCKS]), channels = g[CHANNELS];
    for (int phase = 0; phase < g[PHASES]; phase++)
    {
        __global const long *p = g + g[PHASE_TABLE] + phase * PHASE_SIZE;
        int end = min(end_chunk, (int)p[COUNT_W]), h1 = min(h0 + (int)g[ROWS_PART], (int)p[COUNT_H]);
        if (d >= p[COUNT_D] || end <= begin) continue;
        long place = n * g[Y_N] + group * channels * g[Y_C] + (p[FIRST_D] + d * p[STEP_D]) * g[Y_D] + p[FIRST_W] * g[Y_W], pixel = p[STEP_W] * g[Y_W];
        for (int b = blocks; b < end_block; b++)
        {
            __global const T *w = weights + p[WEIGHTS] + group * p[WEIGHTS_GROUP] + b * p[WEIGHTS_BLOCK], *begins = init + (group * g[BLOCKS] + b) * V * L;
            int valid = min(V * L, channels - b * V * L);
            for (int h = h0; h < h1; h++)
            {
                long row = place + b * V * L * g[Y_C] + (p[FIRST_H] + h * p[STEP_H]) * g[Y_H];
                for (int q = begin; q < end; q += R)
                {
                    int first = q, pixels = R;
                    if (end - q < R)
                    {
                        // The last tile ends with the row, unless the row is shorter than a tile.
                        if (end - R >= begin) first = end - R;
                        else pixels = end - q;
                    }
                    TV tile[R * V];
                    multiply(tile, begins, source + h * g[A_H] + first * S, w, g + p[TAP_TABLE], p[TAPS], p[RUN], p[A_STEP]);
                    long at = row + first * pixel;
#if COSTLY && !RESIDUAL
                    _Pragma("nounroll") for (int i = 0; i < R * V; i++) tile[i] = RESULT(TV, tile[i]);
#endif
                    if (BY_ELEMENT) store_elements(tile, result + at, residual + at, pixel, g[Y_C], pixels, valid, POST_VALUES);
                    else if (pixels == R && g[Y_C] == 1 && valid == V * L) store_pixels(tile, result + at, residual + at, pixel, POST_VALUES);
                    else if (pixels == R && pixel == 1) store_planes(tile, result + at, residual + at, g[Y_C], valid, POST_VALUES);
                    else store_elements(tile, result + at, residual + at, pixel, g[Y_C], pixels, valid, POST_VALUES);
                }
            }
        }
    }
}
