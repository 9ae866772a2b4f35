// direct: every correlation, its adjoint and its gradients, one result a work-item, only taps that exist. The yardstick of the others.
// Where a routine of the GPU's family cannot be trusted with what is not finite, it raises a guard, and these do the work: without a guard
// always, with one only where it is raised.

// Down: the correlation itself. dim 0: position on the small side, dim 1: its channel, dim 2: image.
kernel void direct_down(constant int *g, constant REAL *f, global const BIG_T *restrict big, global const WEI_T *restrict weights,
    global const REAL *restrict bias, global const SMALL_T *restrict residual, global SMALL_T *restrict small,
    global const int *restrict guard)
{
    if (guard && !*guard) return;
    int at = get_global_id(0), o = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_SmallD] * g[G_SmallH] * g[G_SmallW]) return;
    int w = at % g[G_SmallW], h = at / g[G_SmallW] % g[G_SmallH], d = at / g[G_SmallW] / g[G_SmallH];
    int channels = g[G_BigPerGroup], mode = g[G_Mode], flip = g[G_Flip];
    long step = g[G_BigStrideC], weightStep = g[G_WeightStrideBig];
    global const BIG_T *x = big + (long)n * g[G_BigStrideN] + (long)(o / g[G_SmallPerGroup]) * channels * step;
    global const WEI_T *filter = weights + (long)o * g[G_WeightStrideSmall];
    REAL sum = 0;
    for (int kd = 0; kd < g[G_KernelD]; kd++) {
        int sd = source(d * g[G_StrideD] - g[G_PadD] + kd * g[G_DilationD], g[G_BigD], mode);
        if (sd < 0 && mode != PAD_CONSTANT) continue;
        for (int kh = 0; kh < g[G_KernelH]; kh++) {
            int sh = source(h * g[G_StrideH] - g[G_PadH] + kh * g[G_DilationH], g[G_BigH], mode);
            if (sh < 0 && mode != PAD_CONSTANT) continue;
            for (int kw = 0; kw < g[G_KernelW]; kw++) {
                int sw = source(w * g[G_StrideW] - g[G_PadW] + kw * g[G_DilationW], g[G_BigW], mode);
                if (sw < 0 && mode != PAD_CONSTANT) continue;
                global const WEI_T *v = filter + (long)(flip ? g[G_KernelD] - 1 - kd : kd) * g[G_WeightStrideD]
                    + (long)(flip ? g[G_KernelH] - 1 - kh : kh) * g[G_WeightStrideH]
                    + (long)(flip ? g[G_KernelW] - 1 - kw : kw) * g[G_WeightStrideW];
                if (sd < 0 || sh < 0 || sw < 0) {
                    for (int c = 0; c < channels; c++) sum += F_PAD * LOAD_WEI(v, c * weightStep);
                    continue;
                }
                global const BIG_T *u = x + (long)sd * g[G_BigStrideD] + (long)sh * g[G_BigStrideH] + (long)sw * g[G_BigStrideW];
                for (int c = 0; c < channels; c++) sum += LOAD_BIG(u, c * step) * LOAD_WEI(v, c * weightStep);
            }
        }
    }
    if (bias) sum += bias[o];
    long index = (long)n * g[G_SmallStrideN] + (long)o * g[G_SmallStrideC] + (long)d * g[G_SmallStrideD]
        + (long)h * g[G_SmallStrideH] + (long)w * g[G_SmallStrideW];
    STORE_SMALL(small, index, FINISH(sum, residual ? F_RESIDUAL * LOAD_SMALL(residual, index) : (REAL)0));
}

// Up: the adjoint, by gathering, so that no update is lost and the order of sums is fixed. dim 0: position on the big side, dim 1: its
// channel, dim 2: image.
kernel void direct_up(constant int *g, constant REAL *f, global const SMALL_T *restrict small, global const WEI_T *restrict weights,
    global const REAL *restrict bias, global const BIG_T *restrict residual, global BIG_T *restrict big,
    global const int *restrict guard)
{
    if (guard && !*guard) return;
    int at = get_global_id(0), b = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH];
    int channels = g[G_SmallPerGroup], mode = g[G_Mode], flip = g[G_Flip], group = b / g[G_BigPerGroup];
    long step = g[G_SmallStrideC], weightStep = g[G_WeightStrideSmall];
    global const SMALL_T *x = small + (long)n * g[G_SmallStrideN] + (long)group * channels * step;
    global const WEI_T *filter = weights + (long)group * channels * weightStep + (long)(b - group * g[G_BigPerGroup]) * g[G_WeightStrideBig];
    REAL sum = 0;
    FOR_EACH_READER
        global const WEI_T *v = filter + (long)(flip ? g[G_KernelD] - 1 - kd : kd) * g[G_WeightStrideD]
            + (long)(flip ? g[G_KernelH] - 1 - kh : kh) * g[G_WeightStrideH]
            + (long)(flip ? g[G_KernelW] - 1 - kw : kw) * g[G_WeightStrideW];
        global const SMALL_T *u = x + (long)pd * g[G_SmallStrideD] + (long)ph * g[G_SmallStrideH] + (long)pw * g[G_SmallStrideW];
        for (int c = 0; c < channels; c++) sum += LOAD_SMALL(u, c * step) * LOAD_WEI(v, c * weightStep);
    END_FOR
    if (bias) sum += bias[b];
    long index = (long)n * g[G_BigStrideN] + (long)b * g[G_BigStrideC] + (long)d * g[G_BigStrideD]
        + (long)h * g[G_BigStrideH] + (long)w * g[G_BigStrideW];
    STORE_BIG(big, index, FINISH(sum, residual ? F_RESIDUAL * LOAD_BIG(residual, index) : (REAL)0));
}

// Gradient of the weights. dim 0: big channel of the group and tap, dim 1: small channel.
kernel void direct_weights(constant int *g, constant REAL *f, global const BIG_T *restrict big, global const SMALL_T *restrict small,
    global WEI_T *restrict weights, global const int *restrict guard)
{
    if (guard && !*guard) return;
    int at = get_global_id(0), o = get_global_id(1);
    int taps = g[G_KernelD] * g[G_KernelH] * g[G_KernelW];
    if (at >= g[G_BigPerGroup] * taps) return;
    int c = at / taps, kw = at % g[G_KernelW], kh = at / g[G_KernelW] % g[G_KernelH], kd = at / g[G_KernelW] / g[G_KernelH] % g[G_KernelD];
    int mode = g[G_Mode], flip = g[G_Flip];
    long stepX = (long)g[G_BigStrideW], stepY = g[G_SmallStrideW], stride = g[G_StrideW];
    int offset = kw * g[G_DilationW] - g[G_PadW], last = g[G_BigW] - 1 - offset;
    int begin = offset >= 0 ? 0 : (int)((stride - 1 - offset) / stride), end = last < 0 ? 0 : min(g[G_SmallW], (int)(last / stride) + 1);
    REAL sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;
#ifdef PLAIN
    JOIN(REAL, 8) wide = 0;
#endif
    for (int n = 0; n < g[G_Batch]; n++) {
        global const BIG_T *x = big + (long)n * g[G_BigStrideN] + ((long)(o / g[G_SmallPerGroup]) * g[G_BigPerGroup] + c) * g[G_BigStrideC];
        global const SMALL_T *y = small + (long)n * g[G_SmallStrideN] + (long)o * g[G_SmallStrideC];
        for (int d = 0; d < g[G_SmallD]; d++) {
            int sd = source(d * g[G_StrideD] - g[G_PadD] + kd * g[G_DilationD], g[G_BigD], mode);
            if (sd < 0 && mode != PAD_CONSTANT) continue;
            for (int h = 0; h < g[G_SmallH]; h++) {
                int sh = source(h * g[G_StrideH] - g[G_PadH] + kh * g[G_DilationH], g[G_BigH], mode);
                if (sh < 0 && mode != PAD_CONSTANT) continue;
                global const BIG_T *u = x + (long)sd * g[G_BigStrideD] + (long)sh * g[G_BigStrideH];
                global const SMALL_T *v = y + (long)d * g[G_SmallStrideD] + (long)h * g[G_SmallStrideH];
                if (mode == PAD_ZEROS) {
                    // The positions whose tap is inside; sums of their own, because one alone would wait for itself.
                    u += offset * stepX;
                    int w = begin;
#ifdef PLAIN
                    if (stepX == 1 && stepY == 1 && stride == 1)
                        for (; w + 8 <= end; w += 8) wide += vload8(0, u + w) * vload8(0, v + w);
#endif
                    for (; w + 4 <= end; w += 4) {
                        sum += LOAD_BIG(u, w * stride * stepX) * LOAD_SMALL(v, w * stepY);
                        sum1 += LOAD_BIG(u, (w + 1) * stride * stepX) * LOAD_SMALL(v, (w + 1) * stepY);
                        sum2 += LOAD_BIG(u, (w + 2) * stride * stepX) * LOAD_SMALL(v, (w + 2) * stepY);
                        sum3 += LOAD_BIG(u, (w + 3) * stride * stepX) * LOAD_SMALL(v, (w + 3) * stepY);
                    }
                    for (; w < end; w++) sum += LOAD_BIG(u, w * stride * stepX) * LOAD_SMALL(v, w * stepY);
                    continue;
                }
                for (int w = 0; w < g[G_SmallW]; w++) {
                    int sw = source(w * g[G_StrideW] - g[G_PadW] + kw * g[G_DilationW], g[G_BigW], mode);
                    if (sd < 0 || sh < 0 || sw < 0) {
                        if (mode == PAD_CONSTANT) sum += F_PAD * LOAD_SMALL(v, w * stepY);
                        continue;
                    }
                    sum += LOAD_BIG(u, sw * stepX) * LOAD_SMALL(v, w * stepY);
                }
            }
        }
    }
    sum += sum1 + (sum2 + sum3);
#ifdef PLAIN
    sum += ((wide.s0 + wide.s1) + (wide.s2 + wide.s3)) + ((wide.s4 + wide.s5) + (wide.s6 + wide.s7));
#endif
    long index = (long)o * g[G_WeightStrideSmall] + (long)c * g[G_WeightStrideBig]
        + (long)(flip ? g[G_KernelD] - 1 - kd : kd) * g[G_WeightStrideD]
        + (long)(flip ? g[G_KernelH] - 1 - kh : kh) * g[G_WeightStrideH]
        + (long)(flip ? g[G_KernelW] - 1 - kw : kw) * g[G_WeightStrideW];
    STORE_WEI(weights, index, sum);
}

// Gradient of the bias: the sum of the small side over images and positions; the host lays the output there. dim 0: channel.
kernel void direct_bias(constant int *g, constant REAL *f, global const SMALL_T *restrict small, global REAL *restrict bias)
{
    int o = get_global_id(0);
    if (o >= g[G_SmallChannels]) return;
    REAL sum = 0;
    for (int n = 0; n < g[G_Batch]; n++)
        for (int d = 0; d < g[G_SmallD]; d++)
            for (int h = 0; h < g[G_SmallH]; h++) {
                global const SMALL_T *y = small + (long)n * g[G_SmallStrideN] + (long)o * g[G_SmallStrideC]
                    + (long)d * g[G_SmallStrideD] + (long)h * g[G_SmallStrideH];
                for (int w = 0; w < g[G_SmallW]; w++) sum += LOAD_SMALL(y, (long)w * g[G_SmallStrideW]);
            }
    bias[o] = sum;
}
