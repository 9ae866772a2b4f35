// integer: 8-bit convolutions, forward. Sums of integers with their zero points taken off are exact; what follows them (scales, post-ops,
// rounding half to even, the output's zero point, saturation) is computed in double. A padding tap is the input's zero point: nothing.
// zero: the zero point of the input, then of each output channel's weights. unit: for each output channel input scale * weight scale,
// then that divided by the output's scale.

#define F_OUTPUT_UNIT f[5]
#define F_OUTPUT_ZERO f[6]
#define F_PLAIN f[7]

// residual is as it is stored; the sum has its bias.
REAL integer_finish(constant int *g, constant REAL *f, global const REAL *unit, long sum, int o, REAL residual)
{
    REAL v;
    if (F_PLAIN != 0) v = (REAL)sum * unit[2 * o + 1];
    else {
        v = (REAL)sum * unit[2 * o];
        if (F_RESIDUAL != 0) v += (residual - F_OUTPUT_ZERO) * F_OUTPUT_UNIT * F_RESIDUAL;
        v = activate(g[G_Activation], F_ALPHA, F_BETA, v) * F_SCALE / F_OUTPUT_UNIT;
    }
    return ROUNDS ? rint(v) + F_OUTPUT_ZERO : v;
}

// Down: the correlation itself. dim 0: position on the small side, dim 1: its channel, dim 2: image.
kernel void integer_down(constant int *g, constant REAL *f, global const int *restrict zero, global const REAL *restrict unit,
    global const BIG_T *restrict big, global const WEI_T *restrict weights, global const int *restrict bias, global const SMALL_T *restrict residual, global SMALL_T *restrict small)
{
    int at = get_global_id(0), o = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_SmallD] * g[G_SmallH] * g[G_SmallW]) return;
    int w = at % g[G_SmallW], h = at / g[G_SmallW] % g[G_SmallH], d = at / g[G_SmallW] / g[G_SmallH];
    int channels = g[G_BigPerGroup], mode = g[G_Mode], flip = g[G_Flip];
    long step = g[G_BigStrideC], weightStep = g[G_WeightStrideBig];
    global const BIG_T *x = big + (long)n * g[G_BigStrideN] + (long)(o / g[G_SmallPerGroup]) * channels * step;
    global const WEI_T *filter = weights + (long)o * g[G_WeightStrideSmall];
    int inputZero = zero[0], weightZero = zero[1 + o];
    long sum = 0;
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
                    for (int c = 0; c < channels; c++) sum += ((int)F_PAD - inputZero) * ((int)v[c * weightStep] - weightZero);
                    continue;
                }
                global const BIG_T *u = x + (long)sd * g[G_BigStrideD] + (long)sh * g[G_BigStrideH] + (long)sw * g[G_BigStrideW];
                for (int c = 0; c < channels; c++) sum += ((int)u[c * step] - inputZero) * ((int)v[c * weightStep] - weightZero);
            }
        }
    }
    if (bias) sum += bias[o];
    long index = (long)n * g[G_SmallStrideN] + (long)o * g[G_SmallStrideC] + (long)d * g[G_SmallStrideD]
        + (long)h * g[G_SmallStrideH] + (long)w * g[G_SmallStrideW];
    STORE_SMALL(small, index, integer_finish(g, f, unit, sum, o, residual ? LOAD_SMALL(residual, index) : (REAL)0));
}

// Up: the adjoint, by gathering, so that no update is lost and the order of sums is fixed. dim 0: position on the big side, dim 1: its
// channel, dim 2: image.
kernel void integer_up(constant int *g, constant REAL *f, global const int *restrict zero, global const REAL *restrict unit,
    global const SMALL_T *restrict small, global const WEI_T *restrict weights, global const int *restrict bias, global const BIG_T *restrict residual, global BIG_T *restrict big)
{
    int at = get_global_id(0), b = get_global_id(1), n = get_global_id(2);
    if (at >= g[G_BigD] * g[G_BigH] * g[G_BigW]) return;
    int w = at % g[G_BigW], h = at / g[G_BigW] % g[G_BigH], d = at / g[G_BigW] / g[G_BigH];
    int channels = g[G_SmallPerGroup], mode = g[G_Mode], flip = g[G_Flip], group = b / g[G_BigPerGroup];
    long step = g[G_SmallStrideC], weightStep = g[G_WeightStrideSmall];
    global const SMALL_T *x = small + (long)n * g[G_SmallStrideN] + (long)group * channels * step;
    global const WEI_T *filter = weights + (long)group * channels * weightStep + (long)(b - group * g[G_BigPerGroup]) * g[G_WeightStrideBig];
    int inputZero = zero[0], weightZero = zero[1 + b];
    long sum = 0;
    FOR_EACH_READER
        global const WEI_T *v = filter + (long)(flip ? g[G_KernelD] - 1 - kd : kd) * g[G_WeightStrideD]
            + (long)(flip ? g[G_KernelH] - 1 - kh : kh) * g[G_WeightStrideH]
            + (long)(flip ? g[G_KernelW] - 1 - kw : kw) * g[G_WeightStrideW];
        global const SMALL_T *u = x + (long)pd * g[G_SmallStrideD] + (long)ph * g[G_SmallStrideH] + (long)pw * g[G_SmallStrideW];
        for (int c = 0; c < channels; c++) sum += ((int)u[c * step] - inputZero) * ((int)v[c * weightStep] - weightZero);
    END_FOR
    if (bias) sum += bias[b];
    long index = (long)n * g[G_BigStrideN] + (long)b * g[G_BigStrideC] + (long)d * g[G_BigStrideD]
        + (long)h * g[G_BigStrideH] + (long)w * g[G_BigStrideW];
    STORE_BIG(big, index, integer_finish(g, f, unit, sum, b, residual ? LOAD_BIG(residual, index) : (REAL)0));
}
