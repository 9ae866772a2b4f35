// im2col: the columns of an image; also the gradient of col2im. dim 0: block, dim 1: row c*K + k, dim 2: image.

kernel void im2col(constant int *g, constant REAL *f, global const BIG_T *restrict image, global const SMALL_T *restrict residual,
    global SMALL_T *restrict columns)
{
    int at = get_global_id(0), row = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_SmallD] * g[G_SmallH] * g[G_SmallW]) return;
    int w = at % g[G_SmallW], h = at / g[G_SmallW] % g[G_SmallH], d = at / g[G_SmallW] / g[G_SmallH];
    int taps = g[G_KernelD] * g[G_KernelH] * g[G_KernelW], c = row / taps;
    int kw = row % g[G_KernelW], kh = row / g[G_KernelW] % g[G_KernelH], kd = row / g[G_KernelW] / g[G_KernelH] % g[G_KernelD];
    int sd = source(d * g[G_StrideD] - g[G_PadD] + kd * g[G_DilationD], g[G_BigD], g[G_Mode]);
    int sh = source(h * g[G_StrideH] - g[G_PadH] + kh * g[G_DilationH], g[G_BigH], g[G_Mode]);
    int sw = source(w * g[G_StrideW] - g[G_PadW] + kw * g[G_DilationW], g[G_BigW], g[G_Mode]);
    REAL v = F_PAD;
    if (sd >= 0 && sh >= 0 && sw >= 0)
        v = LOAD_BIG(image, (long)n * g[G_BigStrideN] + (long)c * g[G_BigStrideC] + (long)sd * g[G_BigStrideD] + (long)sh * g[G_BigStrideH]
            + (long)sw * g[G_BigStrideW]);
    long index = (long)n * g[G_SmallStrideN] + (long)row * g[G_SmallStrideC] + (long)d * g[G_SmallStrideD] + (long)h * g[G_SmallStrideH]
        + (long)w * g[G_SmallStrideW];
    STORE_SMALL(columns, index, FINISH(v, residual ? F_RESIDUAL * LOAD_SMALL(residual, index) : (REAL)0));
}
