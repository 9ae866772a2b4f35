// col2im: folds columns to an image, summing overlaps by gathering; also the gradient of im2col. dim 0: position, dim 1: channel, dim 2: image.

kernel void col2im(constant int *g, constant REAL *f, global const SMALL_T *restrict columns, global const BIG_T *restrict residual,
    global BIG_T *restrict image)
{
    int at = get_global_id(0), c = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH], mode = g[G_Mode];
    int taps = g[G_KernelD] * g[G_KernelH] * g[G_KernelW];
    global const SMALL_T *x = columns + (long)n * g[G_SmallStrideN] + (long)c * taps * g[G_SmallStrideC];
    REAL sum = 0;
    FOR_EACH_READER
        sum += LOAD_SMALL(x, (long)((kd * g[G_KernelH] + kh) * g[G_KernelW] + kw) * g[G_SmallStrideC]
            + (long)pd * g[G_SmallStrideD] + (long)ph * g[G_SmallStrideH] + (long)pw * g[G_SmallStrideW]);
    END_FOR
    long index = (long)n * g[G_BigStrideN] + (long)c * g[G_BigStrideC] + (long)d * g[G_BigStrideD] + (long)h * g[G_BigStrideH]
        + (long)w * g[G_BigStrideW];
    STORE_BIG(image, index, FINISH(sum, residual ? F_RESIDUAL * LOAD_BIG(residual, index) : (REAL)0));
}
