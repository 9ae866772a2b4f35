// shuffle: input channel i*(C/G) + j becomes output channel j*G + i. dim 0: position, dim 1: input channel, dim 2: image.

kernel void shuffle_forward(constant int *g, constant REAL *f, global const BIG_T *restrict big, global const SMALL_T *restrict residual,
    global SMALL_T *restrict small)
{
    int at = get_global_id(0), c = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH];
    int to = c % g[G_BigPerGroup] * g[G_Groups] + c / g[G_BigPerGroup];
    long from = (long)n * g[G_BigStrideN] + (long)c * g[G_BigStrideC] + (long)d * g[G_BigStrideD] + (long)h * g[G_BigStrideH] + (long)w * g[G_BigStrideW];
    long index = (long)n * g[G_SmallStrideN] + (long)to * g[G_SmallStrideC] + (long)d * g[G_SmallStrideD] + (long)h * g[G_SmallStrideH]
        + (long)w * g[G_SmallStrideW];
    STORE_SMALL(small, index, FINISH(LOAD_BIG(big, from), residual ? F_RESIDUAL * LOAD_SMALL(residual, index) : (REAL)0));
}

kernel void shuffle_backward(constant int *g, constant REAL *f, global const SMALL_T *restrict small, global BIG_T *restrict big)
{
    int at = get_global_id(0), c = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH];
    int from = c % g[G_BigPerGroup] * g[G_Groups] + c / g[G_BigPerGroup];
    long index = (long)n * g[G_BigStrideN] + (long)c * g[G_BigStrideC] + (long)d * g[G_BigStrideD] + (long)h * g[G_BigStrideH] + (long)w * g[G_BigStrideW];
    STORE_BIG(big, index, LOAD_SMALL(small, (long)n * g[G_SmallStrideN] + (long)from * g[G_SmallStrideC] + (long)d * g[G_SmallStrideD]
        + (long)h * g[G_SmallStrideH] + (long)w * g[G_SmallStrideW]));
}
