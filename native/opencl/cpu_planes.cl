// Channels-first with few output channels a group, depthwise among them: vectors run along pixels, weights are broadcast. Rows are copied
// with their padding into planes in local memory (a thread's own on a processor) whose rows are as far apart as those of the results, so
// that a vector may span rows. R output channels by V vectors.

enum { GROUPS, DEPTHS, ROW_PARTS, ROWS_PART, INPUTS, OUTPUTS, PHASES, X_N, X_C, X_D, X_H, Y_N, Y_C, Y_D, Y_H, Y_W,
    SLOTS, SLOT, PLANE, PLANE_ROWS, PITCH, STEP_IN_H, STEP_IN_W, COLUMNS, INNER, INNER_END, FLAT, SOURCE_D, SOURCE_H, SOURCE_W, PANEL_H, SPAN_H, PHASE_TABLE };
enum { FIRST_D, STEP_D, COUNT_D, FIRST_H, STEP_H, COUNT_H, FIRST_W, STEP_W, COUNT_W, TAPS, TAP_TABLE, WEIGHTS, PHASE_SIZE };

#define BEGIN(r, v) TV s_##r##_##v = (TV)(bias[min(r, rows - 1)]);
#define BEGIN_ROW(r) EACH_VECTOR(BEGIN, r)
#define VALUE(r, v) TV x_##v = LOAD(x + v * L);
#define MULTIPLY(r, v) s_##r##_##v = fma(w_##r, x_##v, s_##r##_##v);
#define MULTIPLY_ROW(r) TV w_##r = (TV)(w[r * step]); EACH_VECTOR(MULTIPLY, r)
#define END(r, v) STORE_LOCAL(s_##r##_##v, flat + r * flat_step + v * L);
#define END_ROW(r) EACH_VECTOR(END, r)

inline void multiply(__local T *flat, int flat_step, __global const T *bias, int rows, __local const T *panel, int plane, __global const T *w,
    int step, int inputs, __global const long *taps, int count)
{
    EACH_ROW(BEGIN_ROW)
    for (int t = 0; t < count; t++)
    {
        __local const T *x = panel + taps[t];
        for (int c = 0; c < inputs; c++, x += plane, w++)
        {
            EACH_VECTOR(VALUE, 0)
            EACH_ROW(MULTIPLY_ROW)
        }
    }
    EACH_ROW(END_ROW)
}

inline void copy(__global const T *x, __local T *to, int n)
{
    for (; n >= L; n -= L, x += L, to += L) STORE_LOCAL(LOAD(x), to);
#if L >= 16
    if (n & 8) { vstore8(vload8(0, x), 0, to); x += 8; to += 8; }
#endif
#if L >= 8
    if (n & 4) { vstore4(vload4(0, x), 0, to); x += 4; to += 4; }
#endif
    if (n & 2) { vstore2(vload2(0, x), 0, to); x += 2; to += 2; }
    if (n & 1) *to = *x;
}

// Columns first to end, which lie side by side in the source, to one plane a residue of the stride.
inline void copy_columns(__global const T *x, __local T *to, int residue_step, int stride, int first, int end)
{
    int q = first;
    if (stride == 2)
    {
        if (q < end && q % 2) { to[residue_step + q / 2] = *x++; q++; }
        for (; q + 2 * L <= end; q += 2 * L, x += 2 * L)
        {
            TV a = LOAD(x), b = LOAD(x + L);
            STORE_LOCAL((TV)(a.even, b.even), to + q / 2);
            STORE_LOCAL((TV)(a.odd, b.odd), to + residue_step + q / 2);
        }
        for (; q < end; q++, x++) to[(q & 1) * residue_step + q / 2] = *x;
        return;
    }
    for (; q < end; q++, x++) to[q % stride * residue_step + q / stride] = *x;
}

ONE_ITEM __kernel void cpu_planes(__global const T *restrict source, __global const T *restrict weights, __global const T *restrict bias,
    __global const T *residual, __global T *result, __global const long *restrict g, __local T *scratch, T pad, POST_ARGS)
{
    long id = get_group_id(0);
    int h0 = id % g[ROW_PARTS] * g[ROWS_PART];
    id /= g[ROW_PARTS];
    int d = id % g[DEPTHS];
    id /= g[DEPTHS];
    int group = id % g[GROUPS];
    long n = id / g[GROUPS];
    int inputs = g[INPUTS], outputs = g[OUTPUTS], plane = g[PLANE], pitch = g[PITCH], step_h = g[STEP_IN_H], step_w = g[STEP_IN_W], flat_step = g[FLAT];
    int plane_rows = g[PLANE_ROWS], columns = g[COLUMNS], inner = g[INNER], inner_end = g[INNER_END];
    int entries = (g[ROWS_PART] - 1) * g[PANEL_H] + g[SPAN_H], residue_step = plane_rows * pitch;
    __local T *panel = scratch + (long)R * flat_step;
    __global const T *x = source + n * g[X_N] + (long)group * inputs * g[X_C];
    __global const long *sources = g + g[SOURCE_W];
    long first = inner < inner_end ? sources[inner] : 0;
    for (int c = 0; c < inputs; c++)
        for (int slot = 0; slot < g[SLOTS]; slot++)
        {
            long sd = g[g[SOURCE_D] + d * g[SLOTS] + slot];
            for (int r = 0, residue = 0, line = 0; r < entries; r++)
            {
                // Entries behind the last row have no source.
                long sh = g[g[SOURCE_H] + h0 * g[PANEL_H] + r];
                __local T *to = panel + c * plane + slot * g[SLOT] + (residue * step_w * plane_rows + line) * pitch;
                if (++residue == step_h)
                {
                    residue = 0;
                    line++;
                }
                __global const T *row = x + c * g[X_C] + sd * g[X_D] + sh * g[X_H];
                if (sd < 0 || sh < 0)
                    for (int k = 0; k < step_w; k++)
                        for (int q = 0; q < pitch; q++) to[k * residue_step + q] = pad;
                else if (step_w == 1)
                {
                    for (int q = 0; q < inner; q++) to[q] = sources[q] < 0 ? pad : row[sources[q]];
                    copy(row + first, to + inner, inner_end - inner);
                    for (int q = inner_end; q < columns; q++) to[q] = sources[q] < 0 ? pad : row[sources[q]];
                }
                else
                {
                    for (int q = 0; q < inner; q++) to[q % step_w * residue_step + q / step_w] = sources[q] < 0 ? pad : row[sources[q]];
                    copy_columns(row + first, to, residue_step, step_w, inner, inner_end);
                    for (int q = inner_end; q < columns; q++) to[q % step_w * residue_step + q / step_w] = sources[q] < 0 ? pad : row[sources[q]];
                }
            }
        }
    for (int phase = 0; phase < g[PHASES]; phase++)
    {
        __global const long *p = g + g[PHASE_TABLE] + phase * PHASE_SIZE;
        int h1 = min(h0 + (int)g[ROWS_PART], (int)p[COUNT_H]), count = p[COUNT_W], taps = p[TAPS];
        if (d >= p[COUNT_D] || h1 <= h0) continue;
        int length = (h1 - h0 - 1) * pitch + count;
        for (int o = 0; o < outputs; o += R)
        {
            // The last tile ends with the group; what the one before has finished is not written again.
            int o0 = min(o, max(outputs - R, 0)), channel = group * outputs + o0;
            for (int f = 0; f < length; f += V * L)
                multiply(scratch + f, flat_step, bias + channel, R, panel + f, plane, weights + p[WEIGHTS] + (long)channel * taps * inputs, taps * inputs, inputs, g + p[TAP_TABLE], taps);
            for (int r = o - o0; r < R; r++)
                for (int h = h0; h < h1; h++)
                {
                    __local const T *from = scratch + r * flat_step + (h - h0) * pitch;
                    long at = n * g[Y_N] + (channel + r) * g[Y_C] + (p[FIRST_D] + d * p[STEP_D]) * g[Y_D] + (p[FIRST_H] + h * p[STEP_H]) * g[Y_H] + p[FIRST_W];
                    int step = p[STEP_W], is_row = BY_ELEMENT ? 0 : step == 1;
                    if (is_row)
                        for (int w = 0; w < count; w += L)
                        {
                            int n = min(L, count - w);
                            TV v = post_vector(LOAD(from + w), residual + at + w, n, POST_VALUES);
#if COSTLY
                            v = RESULT(TV, v);
#endif
                            store_some(v, result + at + w, n);
                        }
                    else
                        for (int w = 0; w < count; w++) result[at + w * step] = post_one(from[w], residual + at + w * step, POST_VALUES);
                }
        }
    }
}

// Weights in the order in which they are read: [phase][output channel][tap][input channel]. One work-item an output channel.
enum { PACK_PHASES, PACK_INPUTS, PACK_OUTPUTS, PACK_GROUP, PACK_CHANNEL, PACK_FROM, PACK_ALL, PACK_TABLE };
enum { PACK_TAPS, PACK_TAP_TABLE, PACK_PLACE, PACK_SIZE };

__kernel void cpu_planes_weights(__global const T *restrict w, __global const T *restrict bias, __global T *restrict packed, __global T *restrict init, __global const long *restrict g)
{
    long channel = get_global_id(0), inputs = g[PACK_INPUTS], outputs = g[PACK_OUTPUTS];
    if (channel >= g[PACK_ALL]) return;
    init[channel] = bias ? bias[channel] : 0;
    for (int phase = 0; phase < g[PACK_PHASES]; phase++)
    {
        __global const long *p = g + g[PACK_TABLE] + phase * PACK_SIZE;
        __global T *to = packed + p[PACK_PLACE] + channel * p[PACK_TAPS] * inputs;
        __global const T *from = w + channel / outputs * g[PACK_GROUP] + channel % outputs * g[PACK_CHANNEL];
        for (int t = 0; t < p[PACK_TAPS]; t++)
            for (int c = 0; c < inputs; c++) *to++ = from[g[p[PACK_TAP_TABLE] + t] + c * g[PACK_FROM]];
    }
}
