// Source tensor to panels for cpu_blocked: [batch][depth][row][chunk of columns][channel][column], padding in place.
enum { DEPTHS, ROWS, CHUNKS, PARTS, PART, CHANNELS, X_N, X_C, X_D, X_H, X_W, PITCH, SOURCE_D, SOURCE_H, SOURCE_W, CHUNK_FIRST, CHUNK_COUNT, INNER, INNER_END, STEP };

// Channels-first: columns First to End lie STEP apart.
inline void copy_row(__global const T *x, __global T *to, int count, int step)
{
    if (step == 1 && count >= L)
    {
        for (int i = 0; i < count; i += L)
        {
            int at = min(i, count - L);
            STORE(LOAD(x + at), to + at);
        }
        return;
    }
    for (int i = 0; i < count; i++) to[i] = x[(long)i * step];
}

ONE_ITEM __kernel void cpu_pack(__global const T *restrict x, __global T *restrict panels, __global const long *restrict g, T pad)
{
    long id = get_group_id(0);
    int c0 = id % g[PARTS] * g[PART], c1 = min(c0 + (int)g[PART], (int)g[CHANNELS]);
    id /= g[PARTS];
    int chunk = id % g[CHUNKS];
    id /= g[CHUNKS];
    int h = id % g[ROWS];
    id /= g[ROWS];
    int d = id % g[DEPTHS];
    long n = id / g[DEPTHS], pitch = g[PITCH], xc = g[X_C], xw = g[X_W];
    __global T *to = panels + (((n * g[DEPTHS] + d) * g[ROWS] + h) * g[CHUNKS] + chunk) * g[CHANNELS] * pitch;
    __global const long *columns = g + g[SOURCE_W];
    int first = g[g[CHUNK_FIRST] + chunk], count = g[g[CHUNK_COUNT] + chunk];
    long sd = g[g[SOURCE_D] + d], sh = g[g[SOURCE_H] + h];
    if (sd < 0 || sh < 0)
    {
        for (int c = c0; c < c1; c++)
            for (int q = 0; q < pitch; q += L) STORE((TV)(pad), to + c * pitch + q);
        return;
    }
    x += n * g[X_N] + sd * g[X_D] + sh * g[X_H];
    if (xc != 1 || c1 - c0 < L)
    {
        int inner = clamp((int)g[INNER] - first, 0, count), end = clamp((int)g[INNER_END] - first, inner, count);
        for (int c = c0; c < c1; c++)
        {
            __global const T *s = x + c * xc;
            __global T *o = to + c * pitch;
            for (int q = 0; q < inner; q++) o[q] = columns[first + q] < 0 ? pad : s[columns[first + q] * xw];
            if (end > inner) copy_row(s + columns[first + inner] * xw, o + inner, end - inner, g[STEP] * xw);
            for (int q = end; q < count; q++) o[q] = columns[first + q] < 0 ? pad : s[columns[first + q] * xw];
        }
        return;
    }
    for (int q = 0; q < count; q += L)
        for (int c = c0; c < c1; c += L)
        {
            int from = min(c, c1 - L);
            TV m[L];
            UNROLL for (int i = 0; i < L; i++)
            {
                long s = q + i < count ? columns[first + q + i] : -1;
                m[i] = s < 0 ? (TV)(pad) : LOAD(x + s * xw + from);
            }
            transpose(m);
            UNROLL for (int i = 0; i < L; i++) STORE(m[i], to + (from + i) * pitch + q);
        }
}
