// What every routine shares. The host puts before it: names of the numbers in g (G_...) and of padding modes and activations, taken from
// its own enumerations. Options of a build: REAL (float or double: the type of sums), BIG, SMALL, WEI (storage: F32, F64, F16, BF16, S8, U8, S32).
//
// A problem is seen as a correlation between a big side, which the correlation reads, and a small side, which it writes; a transposed
// convolution writes its big side. Weights are [small channels, big channels of a group, taps].

#ifdef USE_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#define TYPE_F32 float
#define TYPE_F64 double
#define TYPE_F16 half
#define TYPE_BF16 ushort
#define TYPE_S8 char
#define TYPE_U8 uchar
#define TYPE_S32 int
#define LOAD_S8(p, i) ((REAL)(p)[i])
#define LOAD_U8(p, i) ((REAL)(p)[i])
#define LOAD_S32(p, i) ((REAL)(p)[i])
#define STORE_S8(p, i, v) (p)[i] = convert_char_sat_rte(v)
#define STORE_U8(p, i, v) (p)[i] = convert_uchar_sat_rte(v)
#define STORE_S32(p, i, v) (p)[i] = convert_int_sat_rte(v)
#define LOAD_F32(p, i) ((REAL)(p)[i])
#define LOAD_F64(p, i) ((REAL)(p)[i])
#define LOAD_F16(p, i) ((REAL)vload_half(i, p))
#define LOAD_BF16(p, i) ((REAL)as_float((uint)(p)[i] << 16))
#define STORE_F32(p, i, v) (p)[i] = (float)(v)
#define STORE_F64(p, i, v) (p)[i] = (v)
#define STORE_F16(p, i, v) vstore_half_rte((float)(v), i, p)
#define STORE_BF16(p, i, v) (p)[i] = bfloat16((float)(v))

#define BIG_T JOIN(TYPE_, BIG)
#define SMALL_T JOIN(TYPE_, SMALL)
#define WEI_T JOIN(TYPE_, WEI)
#define LOAD_BIG(p, i) JOIN(LOAD_, BIG)(p, i)
#define LOAD_SMALL(p, i) JOIN(LOAD_, SMALL)(p, i)
#define LOAD_WEI(p, i) JOIN(LOAD_, WEI)(p, i)
#define STORE_BIG(p, i, v) JOIN(STORE_, BIG)(p, i, v)
#define STORE_SMALL(p, i, v) JOIN(STORE_, SMALL)(p, i, v)
#define STORE_WEI(p, i, v) JOIN(STORE_, WEI)(p, i, v)

// To nearest, ties to even; a NaN stays one.
ushort bfloat16(float v)
{
    uint bits = as_uint(v);
    return isnan(v) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

int modulo(int a, int m)
{
    int r = a % m;
    return r < 0 ? r + m : r;
}

// The element that index q of the padded axis shows; -1 where padding is a value of its own or nothing.
int source(int q, int size, int mode)
{
    if (q >= 0 && q < size) return q;
    switch (mode) {
    case PAD_REPLICATE: return q < 0 ? 0 : size - 1;
    case PAD_CIRCULAR: return modulo(q, size);
    case PAD_SYMMETRIC: {
        int r = modulo(q, 2 * size);
        return r < size ? r : 2 * size - 1 - r;
    }
    case PAD_REFLECT: {
        if (size == 1) return 0;
        int r = modulo(q, 2 * (size - 1));
        return r < size ? r : 2 * (size - 1) - r;
    }
    default: return -1;
    }
}

// The padded positions that show element q of an axis: q itself (i = 0), then every one of the padding that does; -1 for those that do not.
#define SHOWN_COUNT(pad, size, small, stride, kernel_, dilation) \
    (mode == PAD_ZEROS || mode == PAD_CONSTANT ? 1 : 1 + (pad) + max(0, ((small) - 1) * (stride) - (pad) + ((kernel_) - 1) * (dilation) + 1 - (size)))

int shown(int i, int q, int pad, int size, int mode)
{
    if (i == 0) return q + pad;
    int e = i - 1 < pad ? i - 1 - pad : size + i - 1 - pad;
    return source(e, size, mode) == q ? e + pad : -1;
}

REAL sigmoid(REAL x)
{
    REAL e = exp(-fabs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

// Comparisons are written so that a NaN falls through; at minus infinity the limits are given, where a product would be 0 * Inf.
REAL activate(int kind, REAL alpha, REAL beta, REAL x)
{
    switch (kind) {
    case ACT_RELU: return x < 0 ? (REAL)0 : x;
    case ACT_LEAKY_RELU: return x > 0 ? x : isnan(x) ? x : alpha * x;
    case ACT_CLIP: return x < alpha ? alpha : x > beta ? beta : x;
    case ACT_SIGMOID: return sigmoid(x);
    case ACT_TANH: return tanh(x);
    case ACT_GELU_ERF: return x == -INFINITY ? (REAL)-0.0f : x * (REAL)0.5f * erfc(x * -(REAL)REAL_SQRT_HALF);
    case ACT_GELU_TANH:
        return x == -INFINITY ? (REAL)-0.0f : x * sigmoid((REAL)REAL_GELU_FACTOR * (x + (REAL)REAL_GELU_CUBE * x * x * x));
    case ACT_SILU: return x == -INFINITY && alpha > 0 ? (REAL)-0.0f : x * sigmoid(alpha * x);
    case ACT_HARD_SWISH: {
        REAL gate = alpha * x + beta;
        gate = gate < 0 ? (REAL)0 : gate > 1 ? (REAL)1 : gate;
        return gate == 0 ? (REAL)0 : x * gate;
    }
    default: return x;
    }
}

// f: the numbers that are not whole.
#define F_PAD f[0]
#define F_RESIDUAL f[1]
#define F_ALPHA f[2]
#define F_BETA f[3]
#define F_SCALE f[4]

// What follows a sum in the forward direction; residual is the loaded element, or 0 where there is none.
#define FINISH(sum, residual) (activate(g[G_Activation], F_ALPHA, F_BETA, (sum) + (residual)) * F_SCALE)
