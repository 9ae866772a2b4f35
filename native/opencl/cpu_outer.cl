// Gradient of weights as outer products: for each tap, R channels of one side (the rows) against V vectors of channels of the other, summed over
// the pixels whose tap reads an element. Sums stay in registers while a unit of pixels passes; units are summed in order, slices of them apart
// from each other, so that the bits follow from shape and cut alone, not from threads. Set by the host: R, V, and ROW_STEP, 1 where rows lie side by side.

enum { GROUPS, ITEMS, PARTS, UNITS, SLICES, TAPS, ROW_TILES, BLOCKS, ROWS, DEPTHS, UNITS_H, UNIT_H, HEIGHT,
    V_N, V_D, V_H, V_W, V_GROUP, V_BLOCK, A_N, A_D, A_H, A_W, A_GROUP, A_ROW, TAP_TABLE };
enum { FROM_D, TO_D, FROM_H, TO_H, FROM_W, TO_W, V_AT, A_AT, TAP_SIZE };

#if ROW_STEP == 1
#define A_STEP 1
#else
#define A_STEP row
#endif
#define BEGIN(r, i) TV s_##r##_##i = first ? (TV)(0) : LOAD(sums + (r * V + i) * L);
#define BEGIN_ROW(r) EACH_VECTOR(BEGIN, r)
#define VALUE(r, i) TV v_##i = LOAD(v + i * L);
#define MULTIPLY(r, i) s_##r##_##i = fma(a_##r, v_##i, s_##r##_##i);
#define MULTIPLY_ROW(r) TV a_##r = (TV)(a[r * A_STEP]); EACH_VECTOR(MULTIPLY, r)
#define END(r, i) STORE(s_##r##_##i, sums + (r * V + i) * L);
#define END_ROW(r) EACH_VECTOR(END, r)

inline void multiply(__global T *sums, int first, __global const T *v0, __global const T *a0, int lines, int count, long v_line, long v_step, long a_line, long a_step, long row)
{
    EACH_ROW(BEGIN_ROW)
    for (int i = 0; i < lines; i++)
    {
        __global const T *v = v0 + i * v_line, *a = a0 + i * a_line;
        for (int j = 0; j < count; j++, v += v_step, a += a_step)
        {
            EACH_VECTOR(VALUE, 0)
            EACH_ROW(MULTIPLY_ROW)
        }
    }
    EACH_ROW(END_ROW)
}

ONE_ITEM __kernel void cpu_outer(__global const T *restrict vectors, __global const T *restrict rows, __global T *restrict sums, __global const long *restrict g)
{
    long id = get_group_id(0), part = id % g[PARTS], slice = id / g[PARTS];
    long begin = part * g[ITEMS] / g[PARTS], end = (part + 1) * g[ITEMS] / g[PARTS], first = slice * g[UNITS] / g[SLICES], last = (slice + 1) * g[UNITS] / g[SLICES];
    sums += slice * g[ITEMS] * R * V * L;
    for (long u = first; u < last; u++)
    {
        int h0 = u % g[UNITS_H] * g[UNIT_H], h1 = min(h0 + (int)g[UNIT_H], (int)g[HEIGHT]), d = u / g[UNITS_H] % g[DEPTHS];
        long n = u / g[UNITS_H] / g[DEPTHS];
        __global const T *v = vectors + n * g[V_N] + d * g[V_D], *a = rows + n * g[A_N] + d * g[A_D];
        for (long item = begin; item < end; item++)
        {
            __global const long *tap = g + g[TAP_TABLE] + item % g[TAPS] * TAP_SIZE;
            long at = item / g[TAPS], tile = at % g[ROW_TILES], block = at / g[ROW_TILES] % g[BLOCKS], group = at / g[ROW_TILES] / g[BLOCKS];
            int from = max(h0, (int)tap[FROM_H]), lines = min(h1, (int)tap[TO_H]) - from, count = tap[TO_W] - tap[FROM_W];
            if (d < tap[FROM_D] || d >= tap[TO_D] || lines <= 0 || count <= 0) lines = 0;
            if (lines == 0 && u != first) continue;

            // The last tile ends with the rows.
            long r0 = min(tile * R, g[ROWS] - R), v_line = g[V_H], a_line = g[A_H];
            if (v_line == count * g[V_W] && a_line == count * g[A_W])
            {
                count *= lines;
                lines = lines > 0;
            }
            multiply(sums + item * R * V * L, u == first, v + group * g[V_GROUP] + block * g[V_BLOCK] + tap[V_AT] + from * g[V_H] + tap[FROM_W] * g[V_W],
                a + group * g[A_GROUP] + r0 * g[A_ROW] + tap[A_AT] + from * g[A_H] + tap[FROM_W] * g[A_W], lines, count, v_line, g[V_W], a_line, g[A_W], g[A_ROW]);
        }
    }
}

// Slices added in order, and written as the caller lays weights out. One work-item a row of a block of a group.
enum { SUM_GROUPS, SUM_BLOCKS, SUM_ROWS, SUM_ROW_TILES, SUM_LANES, SUM_TAPS, SUM_SLICES, SUM_ITEMS, W_GROUP, W_ROW, W_LANE, SUM_TABLE };

__kernel void cpu_outer_sum(__global const T *restrict sums, __global T *restrict weights, __global const long *restrict g)
{
    long id = get_global_id(0), r = id % g[SUM_ROWS], block = id / g[SUM_ROWS] % g[SUM_BLOCKS], group = id / g[SUM_ROWS] / g[SUM_BLOCKS];
    if (group >= g[SUM_GROUPS]) return;
    long tile = r / R, row = r - min(tile * R, g[SUM_ROWS] - R), slice = g[SUM_ITEMS] * R * V * L;
    int lanes = min((long)V * L, g[SUM_LANES] - block * V * L);
    for (int t = 0; t < g[SUM_TAPS]; t++)
    {
        __global const T *from = sums + ((((group * g[SUM_BLOCKS] + block) * g[SUM_ROW_TILES] + tile) * g[SUM_TAPS] + t) * R + row) * V * L;
        __global T *to = weights + group * g[W_GROUP] + r * g[W_ROW] + block * V * L * g[W_LANE] + g[SUM_TABLE + t];
        for (int c = 0; c < lanes; c++)
        {
            T sum = 0;
            for (int s = 0; s < g[SUM_SLICES]; s++) sum += from[s * slice + c];
            to[c * g[W_LANE]] = sum;
        }
    }
}

// One side as [image][pixel][group][lane], lanes past the last channel zero. One work-item some pixels of an image.
enum { PACK_PARTS, PACK_PIXELS, PACK_GROUPS, PACK_CHANNELS, PACK_WIDTH, X_N, X_C, X_W };

ONE_ITEM __kernel void cpu_outer_pack(__global const T *restrict x, __global T *restrict panels, __global const long *restrict g)
{
    long part = get_group_id(0) % g[PACK_PARTS], n = get_group_id(0) / g[PACK_PARTS], pixels = g[PACK_PIXELS], width = g[PACK_WIDTH], line = g[PACK_GROUPS] * width;
    long begin = part * pixels / g[PACK_PARTS], end = (part + 1) * pixels / g[PACK_PARTS];
    x += n * g[X_N];
    panels += n * pixels * line;
    for (long q = begin; q < end; q += L)
        for (int group = 0; group < g[PACK_GROUPS]; group++)
            for (int c = 0; c < width; c += L)
            {
                int channels = clamp((int)(g[PACK_CHANNELS] - c), 0, L);
                __global const T *from = x + (group * g[PACK_CHANNELS] + c) * g[X_C];
                __global T *to = panels + group * width + c;
                if (g[X_W] == 1 && end - begin >= L)
                {
                    long p = min(q, end - L);
                    TV m[L];
                    UNROLL for (int i = 0; i < L; i++) m[i] = i < channels ? LOAD(from + i * g[X_C] + p) : (TV)(0);
                    transpose(m);
                    UNROLL for (int i = 0; i < L; i++) STORE(m[i], to + (p + i) * line);
                }
                else
                    for (long p = q; p < min(q + L, end); p++)
                        for (int i = 0; i < L; i++) to[p * line + i] = i < channels ? from[i * g[X_C] + p * g[X_W]] : 0;
            }
}
