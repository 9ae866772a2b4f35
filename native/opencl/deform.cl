// deform: sampling for deformable convolutions, and its adjoints. A deformable convolution is a matrix product of its weights with
// columns [image, row, position], whose rows are the samples of a channel at a tap; the product is another routine's. Rows of a group
// lie as its weights do: channel by channel, or tap by tap (G_Flip is 1) where those are channels last.
// Images of a run are counted from `first` in the caller's tensors and from 0 in the columns, whose strides come as arguments.

#define TAPS (g[G_KernelH] * g[G_KernelW])
#define PLANE ((long)g[G_SmallH] * g[G_SmallW])

long row_of(constant int *g, int c, int k)
{
    int group = c / g[G_BigPerGroup], channel = c % g[G_BigPerGroup];
    return (long)group * g[G_BigPerGroup] * TAPS + (g[G_Flip] ? k * g[G_BigPerGroup] + channel : channel * TAPS + k);
}

// A bilinear sample: four neighbours, each of which counts nothing when it is outside.
typedef struct {
    REAL fy, fx;
    long at;
    int top, bottom, left, right;
} Sample;

Sample sample_at(constant int *g, global const BIG_T *offset, int n, int og, int k, int p)
{
    int h = p / g[G_SmallW], w = p % g[G_SmallW];
    global const BIG_T *pair = offset + (((long)n * g[G_OffsetGroups] + og) * TAPS + k) * 2 * PLANE + p;
    REAL y = (REAL)(h * g[G_StrideH] - g[G_PadH] + k / g[G_KernelW] * g[G_DilationH]) + LOAD_BIG(pair, 0);
    REAL x = (REAL)(w * g[G_StrideW] - g[G_PadW] + k % g[G_KernelW] * g[G_DilationW]) + LOAD_BIG(pair, PLANE);
    REAL y0 = floor(y), x0 = floor(x);
    Sample s = { 0, 0, 0, 0, 0, 0, 0 };
    // Beyond, no neighbour exists. NaN is not beyond: it goes on, as fractions of the first cell, and reaches the result. Neither may
    // reach the conversion to int.
    if (y0 < -1 || y0 >= g[G_BigH] || x0 < -1 || x0 >= g[G_BigW]) return s;
    bool whole = !isnan(y0) && !isnan(x0);
    int top = whole ? (int)y0 : 0, left = whole ? (int)x0 : 0;
    s.fy = y - y0;
    s.fx = x - x0;
    s.at = (long)top * g[G_BigStrideH] + (long)left * g[G_BigStrideW];
    s.top = top >= 0;
    s.bottom = top + 1 < g[G_BigH];
    s.left = left >= 0;
    s.right = left + 1 < g[G_BigW];
    return s;
}

#define DOWN ((long)g[G_BigStrideH])
#define RIGHT ((long)g[G_BigStrideW])

REAL value_of(constant int *g, Sample s, global const BIG_T *plane)
{
    REAL v = 0;
    if (s.top && s.left) v += (1 - s.fy) * (1 - s.fx) * LOAD_BIG(plane, s.at);
    if (s.top && s.right) v += (1 - s.fy) * s.fx * LOAD_BIG(plane, s.at + RIGHT);
    if (s.bottom && s.left) v += s.fy * (1 - s.fx) * LOAD_BIG(plane, s.at + DOWN);
    if (s.bottom && s.right) v += s.fy * s.fx * LOAD_BIG(plane, s.at + DOWN + RIGHT);
    return v;
}

REAL mask_at(constant int *g, global const BIG_T *mask, int n, int og, int k, int p)
{
    return g[G_HasMask] ? LOAD_BIG(mask, (((long)n * g[G_OffsetGroups] + og) * TAPS + k) * PLANE + p) : (REAL)1;
}

// dim 0: position, dim 1: offset group and tap, dim 2: image.
kernel void deform_columns(constant int *g, global const BIG_T *restrict x, global const BIG_T *restrict offset, global const BIG_T *restrict mask,
    global BIG_T *restrict columns, int first, long strideN, long strideRow, long strideP)
{
    int p = get_global_id(0), og = get_global_id(1) / TAPS, k = get_global_id(1) % TAPS, n = get_global_id(2);
    if (p >= PLANE) return;
    Sample s = sample_at(g, offset, first + n, og, k, p);
    REAL m = mask_at(g, mask, first + n, og, k, p);
    int share = g[G_BigChannels] / g[G_OffsetGroups];
    global const BIG_T *image = x + (long)(first + n) * g[G_BigStrideN];
    for (int c = og * share; c < (og + 1) * share; c++)
        STORE_BIG(columns, n * strideN + row_of(g, c, k) * strideRow + p * strideP, m * value_of(g, s, image + (long)c * g[G_BigStrideC]));
}

// Gradient of the input from that of the columns. One work-item owns a channel of an image: nothing is lost, and the order is fixed.
// dim 0: channel, dim 1: image.
kernel void deform_data(constant int *g, global const BIG_T *restrict columns, global const BIG_T *restrict offset, global const BIG_T *restrict mask,
    global BIG_T *restrict dx, int first, long strideN, long strideRow, long strideP)
{
    int c = get_global_id(0), n = get_global_id(1);
    if (c >= g[G_BigChannels]) return;
    int og = c / (g[G_BigChannels] / g[G_OffsetGroups]);
    global BIG_T *plane = dx + (long)(first + n) * g[G_BigStrideN] + (long)c * g[G_BigStrideC];
    for (int h = 0; h < g[G_BigH]; h++)
        for (int w = 0; w < g[G_BigW]; w++) STORE_BIG(plane, h * DOWN + w * RIGHT, (REAL)0);
    for (int k = 0; k < TAPS; k++) {
        global const BIG_T *row = columns + n * strideN + row_of(g, c, k) * strideRow;
        for (int p = 0; p < PLANE; p++) {
            Sample s = sample_at(g, offset, first + n, og, k, p);
            REAL v = LOAD_BIG(row, p * strideP) * mask_at(g, mask, first + n, og, k, p);
            if (s.top && s.left) STORE_BIG(plane, s.at, LOAD_BIG(plane, s.at) + (1 - s.fy) * (1 - s.fx) * v);
            if (s.top && s.right) STORE_BIG(plane, s.at + RIGHT, LOAD_BIG(plane, s.at + RIGHT) + (1 - s.fy) * s.fx * v);
            if (s.bottom && s.left) STORE_BIG(plane, s.at + DOWN, LOAD_BIG(plane, s.at + DOWN) + s.fy * (1 - s.fx) * v);
            if (s.bottom && s.right) STORE_BIG(plane, s.at + DOWN + RIGHT, LOAD_BIG(plane, s.at + DOWN + RIGHT) + s.fy * s.fx * v);
        }
    }
}

// Gradient of the offsets; from the right where a position is a whole number. dim 0: position, dim 1: offset group and tap, dim 2: image.
kernel void deform_offset(constant int *g, global const BIG_T *restrict columns, global const BIG_T *restrict offset, global const BIG_T *restrict mask,
    global BIG_T *restrict result, int first, long strideN, long strideRow, long strideP, global const BIG_T *restrict x)
{
    int p = get_global_id(0), og = get_global_id(1) / TAPS, k = get_global_id(1) % TAPS, n = get_global_id(2);
    if (p >= PLANE) return;
    Sample s = sample_at(g, offset, first + n, og, k, p);
    int share = g[G_BigChannels] / g[G_OffsetGroups];
    REAL dy = 0, dx = 0;
    for (int c = og * share; c < (og + 1) * share; c++) {
        global const BIG_T *plane = x + (long)(first + n) * g[G_BigStrideN] + (long)c * g[G_BigStrideC];
        REAL v = LOAD_BIG(columns, n * strideN + row_of(g, c, k) * strideRow + p * strideP), along_y = 0, along_x = 0;
        if (s.top && s.left) {
            REAL u = LOAD_BIG(plane, s.at);
            along_y -= (1 - s.fx) * u;
            along_x -= (1 - s.fy) * u;
        }
        if (s.top && s.right) {
            REAL u = LOAD_BIG(plane, s.at + RIGHT);
            along_y -= s.fx * u;
            along_x += (1 - s.fy) * u;
        }
        if (s.bottom && s.left) {
            REAL u = LOAD_BIG(plane, s.at + DOWN);
            along_y += (1 - s.fx) * u;
            along_x -= s.fy * u;
        }
        if (s.bottom && s.right) {
            REAL u = LOAD_BIG(plane, s.at + DOWN + RIGHT);
            along_y += s.fx * u;
            along_x += s.fy * u;
        }
        dy += v * along_y;
        dx += v * along_x;
    }
    REAL m = mask_at(g, mask, first + n, og, k, p);
    long index = (((long)(first + n) * g[G_OffsetGroups] + og) * TAPS + k) * 2 * PLANE + p;
    STORE_BIG(result, index, m * dy);
    STORE_BIG(result, index + PLANE, m * dx);
}

// Gradient of the mask. dim 0: position, dim 1: offset group and tap, dim 2: image.
kernel void deform_mask(constant int *g, global const BIG_T *restrict columns, global const BIG_T *restrict offset, global const BIG_T *restrict mask,
    global BIG_T *restrict result, int first, long strideN, long strideRow, long strideP, global const BIG_T *restrict x)
{
    int p = get_global_id(0), og = get_global_id(1) / TAPS, k = get_global_id(1) % TAPS, n = get_global_id(2);
    if (p >= PLANE) return;
    Sample s = sample_at(g, offset, first + n, og, k, p);
    int share = g[G_BigChannels] / g[G_OffsetGroups];
    REAL sum = 0;
    for (int c = og * share; c < (og + 1) * share; c++)
        sum += LOAD_BIG(columns, n * strideN + row_of(g, c, k) * strideRow + p * strideP)
            * value_of(g, s, x + (long)(first + n) * g[G_BigStrideN] + (long)c * g[G_BigStrideC]);
    STORE_BIG(result, (((long)(first + n) * g[G_OffsetGroups] + og) * TAPS + k) * PLANE + p, sum);
}

// Adds the weights' gradient of some images to that of those before. dim 0: weight.
kernel void deform_accumulate(global const WEI_T *restrict part, global WEI_T *restrict sum, int count, int begin)
{
    int i = get_global_id(0);
    if (i < count) STORE_WEI(sum, i, begin ? LOAD_WEI(part, i) : LOAD_WEI(sum, i) + LOAD_WEI(part, i));
}
