// col2im: folds columns to an image, summing overlaps by gathering; also the gradient of im2col. dim 0: position, dim 1: channel, dim 2: image.

kernel void col2im(constant int *g, constant REAL *f, global const SMALL_T *restrict columns, global const BIG_T *restrict residual,
    global BIG_T *restrict image)
{
    int at = get_global_id(0), c = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH], mode = g[G_Mode];
    int taps = g[G_KernelD] * g[G_KernelH] * g[G_KernelW];
    global const SMALL_T *x = columns + (long)n * g[G_SmallStrideN] + (long)c * taps * g[G_SmallStrideC];
    int countD = SHOWN_COUNT(g[G_PadD], g[G_BigD], g[G_SmallD], g[G_StrideD], g[G_KernelD], g[G_DilationD]);
    int countH = SHOWN_COUNT(g[G_PadH], g[G_BigH], g[G_SmallH], g[G_StrideH], g[G_KernelH], g[G_DilationH]);
    int countW = SHOWN_COUNT(g[G_PadW], g[G_BigW], g[G_SmallW], g[G_StrideW], g[G_KernelW], g[G_DilationW]);
    REAL sum = 0;
    for (int id = 0; id < countD; id++) {
        int ed = shown(id, d, g[G_PadD], g[G_BigD], mode);
        for (int kd = 0; kd < g[G_KernelD] && ed >= 0; kd++) {
            int td = ed - kd * g[G_DilationD], pd = td / g[G_StrideD];
            if (td < 0 || td % g[G_StrideD] != 0 || pd >= g[G_SmallD]) continue;
            for (int ih = 0; ih < countH; ih++) {
                int eh = shown(ih, h, g[G_PadH], g[G_BigH], mode);
                for (int kh = 0; kh < g[G_KernelH] && eh >= 0; kh++) {
                    int th = eh - kh * g[G_DilationH], ph = th / g[G_StrideH];
                    if (th < 0 || th % g[G_StrideH] != 0 || ph >= g[G_SmallH]) continue;
                    for (int iw = 0; iw < countW; iw++) {
                        int ew = shown(iw, w, g[G_PadW], g[G_BigW], mode);
                        for (int kw = 0; kw < g[G_KernelW] && ew >= 0; kw++) {
                            int tw = ew - kw * g[G_DilationW], pw = tw / g[G_StrideW];
                            if (tw < 0 || tw % g[G_StrideW] != 0 || pw >= g[G_SmallW]) continue;
                            sum += LOAD_SMALL(x, (long)((kd * g[G_KernelH] + kh) * g[G_KernelW] + kw) * g[G_SmallStrideC]
                                + (long)pd * g[G_SmallStrideD] + (long)ph * g[G_SmallStrideH] + (long)pw * g[G_SmallStrideW]);
                        }
                    }
                }
            }
        }
    }
    long index = (long)n * g[G_BigStrideN] + (long)c * g[G_BigStrideC] + (long)d * g[G_BigStrideD] + (long)h * g[G_BigStrideH]
        + (long)w * g[G_BigStrideW];
    STORE_BIG(image, index, FINISH(sum, residual ? F_RESIDUAL * LOAD_BIG(residual, index) : (REAL)0));
}
