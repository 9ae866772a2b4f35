// gemm: implicit matrix products with tiles in local memory, for GPUs. Rows m are destination channels of a group, columns are positions
// (of all images in one row), and the sum runs over r = tap * channels + source channel. A work-group computes TM x TN results in steps
// of TK; a work-item WM x WN of them. Padding is multiplied as a zero, which is wrong for what is not finite: `guard` is then not 0, the
// kernels here do nothing and direct's do the work.

#define GROUP_X (TN / WN)
#define GROUP_Y (TM / WM)
#define ITEMS (GROUP_X * GROUP_Y)
#define WHOLE __attribute__((reqd_work_group_size(GROUP_X, GROUP_Y, 1)))

#ifdef UP
#define SOURCE_T SMALL_T
#define LOAD_SOURCE(p, i) LOAD_SMALL(p, i)
#define TARGET_T BIG_T
#define LOAD_TARGET(p, i) LOAD_BIG(p, i)
#define STORE_TARGET(p, i, v) STORE_BIG(p, i, v)
#define SOURCE_N(name) g[G_Small##name]
#define TARGET_N(name) g[G_Big##name]
#else
#define SOURCE_T BIG_T
#define LOAD_SOURCE(p, i) LOAD_BIG(p, i)
#define TARGET_T SMALL_T
#define LOAD_TARGET(p, i) LOAD_SMALL(p, i)
#define STORE_TARGET(p, i, v) STORE_SMALL(p, i, v)
#define SOURCE_N(name) g[G_Big##name]
#define TARGET_N(name) g[G_Small##name]
#endif

// Where a tap of a target position lies on an axis of the source; -1 outside.
int place(int target, int tap, int size, int stride, int dilation, int pad, int mode)
{
#ifdef UP
    int t = target + pad - tap * dilation;
    return t < 0 || t % stride != 0 || t / stride >= size ? -1 : t / stride;
#else
    return source(target * stride - pad + tap * dilation, size, mode);
#endif
}

// Weights as [group][r][m]. dim 0: m, dim 1: r, dim 2: group.
kernel void gemm_pack(constant int *g, global const WEI_T *restrict weights, global REAL *restrict packed, global int *restrict guard)
{
    int m = get_global_id(0), r = get_global_id(1), group = get_global_id(2);
    int rows = TARGET_N(PerGroup), channels = SOURCE_N(PerGroup);
    if (m >= rows) return;
    int k = r / channels, c = r % channels;
    int kw = k % g[G_KernelW], kh = k / g[G_KernelW] % g[G_KernelH], kd = k / g[G_KernelW] / g[G_KernelH];
#ifdef UP
    long at = (long)(group * channels + c) * g[G_WeightStrideSmall] + (long)m * g[G_WeightStrideBig];
#else
    long at = (long)(group * rows + m) * g[G_WeightStrideSmall] + (long)c * g[G_WeightStrideBig];
#endif
    at += (long)(g[G_Flip] ? g[G_KernelD] - 1 - kd : kd) * g[G_WeightStrideD] + (long)(g[G_Flip] ? g[G_KernelH] - 1 - kh : kh) * g[G_WeightStrideH]
        + (long)(g[G_Flip] ? g[G_KernelW] - 1 - kw : kw) * g[G_WeightStrideW];
    REAL v = LOAD_WEI(weights, at);
    packed[((long)group * get_global_size(1) + r) * rows + m] = v;
    if (!isfinite(v)) *guard = 1;
}

WHOLE kernel void gemm(constant int *g, constant REAL *f, global const SOURCE_T *restrict from, global const REAL *restrict packed,
    global const REAL *restrict bias, global const TARGET_T *restrict residual, global TARGET_T *restrict to, global const int *restrict guard)
{
    if (*guard) return;
    local REAL a[TK][TM], b[TK][TN];
    int lx = get_local_id(0), ly = get_local_id(1), item = ly * GROUP_X + lx;
    int rows = TARGET_N(PerGroup), channels = SOURCE_N(PerGroup), depth = channels * g[G_KernelD] * g[G_KernelH] * g[G_KernelW];
    int tiles = (rows + TM - 1) / TM, group = get_group_id(1) / tiles, m0 = get_group_id(1) % tiles * TM;
    int plane = TARGET_N(D) * TARGET_N(H) * TARGET_N(W), total = plane * g[G_Batch], p0 = get_group_id(0) * TN;

    // The column of b that this item fills.
    int at = p0 + item % TN, p = at % plane;
    int w = p % TARGET_N(W), h = p / TARGET_N(W) % TARGET_N(H), d = p / TARGET_N(W) / TARGET_N(H);
    global const SOURCE_T *image = from + (long)(at / plane) * SOURCE_N(StrideN) + (long)group * channels * SOURCE_N(StrideC);
    REAL sum[WM][WN];
    for (int i = 0; i < WM; i++)
        for (int j = 0; j < WN; j++) sum[i][j] = 0;
    for (int r0 = 0; r0 < depth; r0 += TK) {
        for (int row = item / TN; row < TK; row += ITEMS / TN) {
            int r = r0 + row;
            REAL v = 0;
            if (r < depth && at < total) {
                int k = r / channels, c = r - k * channels;
                int sd = place(d, k / g[G_KernelW] / g[G_KernelH], SOURCE_N(D), g[G_StrideD], g[G_DilationD], g[G_PadD], g[G_Mode]);
                int sh = place(h, k / g[G_KernelW] % g[G_KernelH], SOURCE_N(H), g[G_StrideH], g[G_DilationH], g[G_PadH], g[G_Mode]);
                int sw = place(w, k % g[G_KernelW], SOURCE_N(W), g[G_StrideW], g[G_DilationW], g[G_PadW], g[G_Mode]);
                if (sd >= 0 && sh >= 0 && sw >= 0)
                    v = LOAD_SOURCE(image, (long)c * SOURCE_N(StrideC) + (long)sd * SOURCE_N(StrideD) + (long)sh * SOURCE_N(StrideH)
                        + (long)sw * SOURCE_N(StrideW));
#ifndef UP
                else v = F_PAD;
#endif
            }
            b[row][item % TN] = v;
        }
        for (int row = item / TM; row < TK; row += ITEMS / TM) {
            int r = r0 + row, m = m0 + item % TM;
            a[row][item % TM] = r < depth && m < rows ? packed[((long)group * depth + r) * rows + m] : (REAL)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < TK; k++) {
            REAL left[WM], right[WN];
            for (int i = 0; i < WM; i++) left[i] = a[k][ly + i * GROUP_Y];
            for (int j = 0; j < WN; j++) right[j] = b[k][lx + j * GROUP_X];
            for (int i = 0; i < WM; i++)
                for (int j = 0; j < WN; j++) sum[i][j] += left[i] * right[j];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int j = 0; j < WN; j++) {
        int q = p0 + lx + j * GROUP_X, s = q % plane;
        if (q >= total) continue;
        long base = (long)(q / plane) * TARGET_N(StrideN) + (long)(s / TARGET_N(W) / TARGET_N(H)) * TARGET_N(StrideD)
            + (long)(s / TARGET_N(W) % TARGET_N(H)) * TARGET_N(StrideH) + (long)(s % TARGET_N(W)) * TARGET_N(StrideW);
        for (int i = 0; i < WM; i++) {
            int m = m0 + ly + i * GROUP_Y;
            if (m >= rows) continue;
            int channel = group * rows + m;
            long index = base + (long)channel * TARGET_N(StrideC);
            REAL v = bias ? sum[i][j] + bias[channel] : sum[i][j];
            STORE_TARGET(to, index, FINISH(v, residual ? F_RESIDUAL * LOAD_TARGET(residual, index) : (REAL)0));
        }
    }
}

#ifndef UP
// Raises the guard where the small side is not finite. dim 0: element.
kernel void gemm_guard(global const SMALL_T *restrict small, global int *restrict guard, int count)
{
    for (int i = get_global_id(0); i < count; i += get_global_size(0))
        if (!isfinite(LOAD_SMALL(small, i))) *guard = 1;
}

// Gradient of the weights: rows are small channels, columns r, and the sum runs over positions of all images.
WHOLE kernel void gemm_weights(constant int *g, constant REAL *f, global const BIG_T *restrict big, global const SMALL_T *restrict small,
    global WEI_T *restrict weights, global const int *restrict guard)
{
    if (*guard) return;
    local REAL a[TK][TM], b[TK][TN];
    int lx = get_local_id(0), ly = get_local_id(1), item = ly * GROUP_X + lx;
    int rows = g[G_SmallPerGroup], channels = g[G_BigPerGroup], taps = g[G_KernelD] * g[G_KernelH] * g[G_KernelW], columns = channels * taps;
    int tiles = (rows + TM - 1) / TM, group = get_group_id(1) / tiles, m0 = get_group_id(1) % tiles * TM, r0 = get_group_id(0) * TN;
    int plane = g[G_SmallD] * g[G_SmallH] * g[G_SmallW], total = plane * g[G_Batch];

    // The column of b that this item fills.
    int r = r0 + item % TN, k = r % taps;
    int kw = k % g[G_KernelW], kh = k / g[G_KernelW] % g[G_KernelH], kd = k / g[G_KernelW] / g[G_KernelH];
    global const BIG_T *x = big + (long)(group * channels + r / taps) * g[G_BigStrideC];
    global const SMALL_T *y = small + (long)(group * rows + m0 + item % TM) * g[G_SmallStrideC];
    REAL sum[WM][WN];
    for (int i = 0; i < WM; i++)
        for (int j = 0; j < WN; j++) sum[i][j] = 0;
    for (int t = 0; t < total; t += TK) {
        for (int row = item / TN; row < TK; row += ITEMS / TN) {
            int q = t + row, p = q % plane;
            REAL v = 0;
            if (q < total && r < columns) {
                int sd = place(p / g[G_SmallW] / g[G_SmallH], kd, g[G_BigD], g[G_StrideD], g[G_DilationD], g[G_PadD], g[G_Mode]);
                int sh = place(p / g[G_SmallW] % g[G_SmallH], kh, g[G_BigH], g[G_StrideH], g[G_DilationH], g[G_PadH], g[G_Mode]);
                int sw = place(p % g[G_SmallW], kw, g[G_BigW], g[G_StrideW], g[G_DilationW], g[G_PadW], g[G_Mode]);
                v = sd >= 0 && sh >= 0 && sw >= 0
                    ? LOAD_BIG(x, (long)(q / plane) * g[G_BigStrideN] + (long)sd * g[G_BigStrideD] + (long)sh * g[G_BigStrideH] + (long)sw * g[G_BigStrideW])
                    : F_PAD;
            }
            b[row][item % TN] = v;
        }
        for (int row = item / TM; row < TK; row += ITEMS / TM) {
            int q = t + row, p = q % plane;
            a[row][item % TM] = q < total && m0 + item % TM < rows
                ? LOAD_SMALL(y, (long)(q / plane) * g[G_SmallStrideN] + (long)(p / g[G_SmallW] / g[G_SmallH]) * g[G_SmallStrideD]
                    + (long)(p / g[G_SmallW] % g[G_SmallH]) * g[G_SmallStrideH] + (long)(p % g[G_SmallW]) * g[G_SmallStrideW])
                : (REAL)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int s = 0; s < TK; s++) {
            REAL left[WM], right[WN];
            for (int i = 0; i < WM; i++) left[i] = a[s][ly + i * GROUP_Y];
            for (int j = 0; j < WN; j++) right[j] = b[s][lx + j * GROUP_X];
            for (int i = 0; i < WM; i++)
                for (int j = 0; j < WN; j++) sum[i][j] += left[i] * right[j];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int j = 0; j < WN; j++) {
        int column = r0 + lx + j * GROUP_X, tap = column % taps;
        if (column >= columns) continue;
        int d = tap / g[G_KernelW] / g[G_KernelH], h = tap / g[G_KernelW] % g[G_KernelH], w = tap % g[G_KernelW];
        long base = (long)(column / taps) * g[G_WeightStrideBig] + (long)(g[G_Flip] ? g[G_KernelD] - 1 - d : d) * g[G_WeightStrideD]
            + (long)(g[G_Flip] ? g[G_KernelH] - 1 - h : h) * g[G_WeightStrideH] + (long)(g[G_Flip] ? g[G_KernelW] - 1 - w : w) * g[G_WeightStrideW];
        for (int i = 0; i < WM; i++) {
            int m = m0 + ly + i * GROUP_Y;
            if (m < rows) STORE_WEI(weights, base + (long)(group * rows + m) * g[G_WeightStrideSmall], sum[i][j]);
        }
    }
}
#endif
