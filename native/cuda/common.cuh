// What every kernel needs; no other header. NVRTC gets it as the header "common.cuh" of each program.
#ifndef CONVNATIVE_COMMON
#define CONVNATIVE_COMMON

typedef unsigned char u8_t;
typedef unsigned short u16_t;
typedef unsigned int u32_t;
typedef unsigned long long u64_t;
typedef long long i64_t;

// Element types, by the numbers of ConvNative.Problems.DataType.
#define F32 0
#define F64 1
#define BF16 2
#define F16 3
#define S8 4
#define U8 5
#define S32 6

// Strides of a tensor in elements: batch, channel, and d, h, w (an axis that is not there has size 1 and any stride).
struct Strides { i64_t n, c, s[3]; };

// Strides of columns [N, C, taps, positions] in elements.
struct ColumnStrides { i64_t n, c, k, l; };

// A window that moves over an image, axes d, h, w: image position = output * stride - pad + kernel * dilation.
struct Window { i64_t image[3], kernel[3], output[3], stride[3], dilation[3], pad[3]; };

// PaddingMode.
#define PAD_ZEROS 0
#define PAD_CONSTANT 1
#define PAD_REFLECT 2
#define PAD_SYMMETRIC 3
#define PAD_REPLICATE 4
#define PAD_CIRCULAR 5

// The element that position i of an axis of n elements stands for, or -1.
static __device__ inline i64_t source(i64_t i, i64_t n, int mode)
{
    if (i >= 0 && i < n) return i;
    if (mode == PAD_REPLICATE) return i < 0 ? 0 : n - 1;
    if (mode < PAD_REFLECT) return -1;
    if (mode == PAD_REFLECT && n == 1) return 0;
    i64_t period = mode == PAD_REFLECT ? 2 * (n - 1) : mode == PAD_SYMMETRIC ? 2 * n : n, r = i % period;
    if (r < 0) r += period;
    return r < n ? r : mode == PAD_REFLECT ? period - r : period - 1 - r;
}

union Bits32 { float f; u32_t u; };

static __device__ inline float half_to_float(u16_t h)
{
    Bits32 b;
    u32_t sign = (u32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3ffu;
    if (exponent == 0)
    {
        // Subnormals are fraction * 2^-24, exactly.
        b.f = (float)fraction * 5.9604644775390625e-8f;
        b.u |= sign;
        return b.f;
    }
    b.u = sign | ((exponent == 31 ? 255u : exponent + 112u) << 23) | (fraction << 13);
    return b.f;
}

static __device__ inline u16_t float_to_half(float f)
{
    Bits32 b;
    b.f = f;
    u32_t sign = (b.u >> 16) & 0x8000u, a = b.u & 0x7fffffffu;
    if (a > 0x7f800000u) return (u16_t)(sign | 0x7e00u);
    if (a >= 0x47800000u) return (u16_t)(sign | 0x7c00u);
    if (a < 0x38800000u)
    {
        // Subnormal: adding 1/2 leaves the value in units of 2^-24 in the low bits, rounded half to even by the addition.
        b.u = a;
        b.f += 0.5f;
        return (u16_t)(sign | (b.u - 0x3f000000u));
    }
    return (u16_t)(sign | ((a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13));
}

static __device__ inline u16_t float_to_bfloat(float f)
{
    Bits32 b;
    b.f = f;
    if ((b.u & 0x7fffffffu) > 0x7f800000u) return (u16_t)((b.u >> 16) | 0x40u);
    return (u16_t)((b.u + 0x7fffu + ((b.u >> 16) & 1u)) >> 16);
}

// stored: as in memory; real: what sums are formed in.
template <int T> struct Element;
template <> struct Element<F32>
{
    typedef float stored;
    typedef float real;
    static __device__ inline real load(stored v) { return v; }
    static __device__ inline stored store(real v) { return v; }
};
template <> struct Element<F64>
{
    typedef double stored;
    typedef double real;
    static __device__ inline real load(stored v) { return v; }
    static __device__ inline stored store(real v) { return v; }
};
template <> struct Element<BF16>
{
    typedef u16_t stored;
    typedef float real;
    static __device__ inline real load(stored v)
    {
        Bits32 b;
        b.u = (u32_t)v << 16;
        return b.f;
    }
    static __device__ inline stored store(real v) { return float_to_bfloat(v); }
};
template <> struct Element<F16>
{
    typedef u16_t stored;
    typedef float real;
    static __device__ inline real load(stored v) { return half_to_float(v); }
    static __device__ inline stored store(real v) { return float_to_half(v); }
};
template <> struct Element<S8>
{
    typedef signed char stored;
    typedef int real;
    static __device__ inline real load(stored v) { return v; }
    static __device__ inline stored store(real v) { return (stored)(v < -128 ? -128 : v > 127 ? 127 : v); }
};
template <> struct Element<U8>
{
    typedef u8_t stored;
    typedef int real;
    static __device__ inline real load(stored v) { return v; }
    static __device__ inline stored store(real v) { return (stored)(v < 0 ? 0 : v > 255 ? 255 : v); }
};
template <> struct Element<S32>
{
    typedef int stored;
    typedef int real;
    static __device__ inline real load(stored v) { return v; }
    static __device__ inline stored store(real v) { return v; }
};

// Elements that are only moved, by their size in bytes.
template <int N> struct Word;
template <> struct Word<1> { typedef u8_t type; };
template <> struct Word<2> { typedef u16_t type; };
template <> struct Word<4> { typedef u32_t type; };
template <> struct Word<8> { typedef u64_t type; };

// The first item of this thread, and the step to its next one.
#define FIRST ((i64_t)blockIdx.x * blockDim.x + threadIdx.x)
#define STEP ((i64_t)gridDim.x * blockDim.x)

// Splits i, which counts d * h * w * c or c * d * h * w within an image, last axis fastest. Divisions of 64 bits are slow:
// where the count allows it, the caller uses 32.
template <typename I> struct Place
{
    I n, c, z, y, x;
    __device__ inline Place(I i, I channels, I depth, I height, I width, bool channels_last)
    {
        if (channels_last)
        {
            c = i % channels;
            i /= channels;
        }
        x = i % width;
        i /= width;
        y = i % height;
        i /= height;
        z = i % depth;
        i /= depth;
        if (!channels_last)
        {
            c = i % channels;
            i /= channels;
        }
        n = i;
    }
    __device__ inline i64_t at(const Strides &s) const { return n * s.n + c * s.c + z * s.s[0] + y * s.s[1] + x * s.s[2]; }
};

#define FITS_32(count) ((count) + STEP < 0x7fffffffLL)

// ActivationKind.
#define ACT_NONE 0
#define ACT_RELU 1
#define ACT_LEAKY_RELU 2
#define ACT_CLIP 3
#define ACT_SIGMOID 4
#define ACT_TANH 5
#define ACT_GELU_ERF 6
#define ACT_GELU_TANH 7
#define ACT_SILU 8
#define ACT_HARD_SWISH 9

static __device__ inline float exp_of(float x) { return expf(x); }
static __device__ inline double exp_of(double x) { return exp(x); }
static __device__ inline float tanh_of(float x) { return tanhf(x); }
static __device__ inline double tanh_of(double x) { return tanh(x); }
static __device__ inline float erfc_of(float x) { return erfcf(x); }
static __device__ inline double erfc_of(double x) { return erfc(x); }

template <typename R> static __device__ inline R sigmoid(R x)
{
    R e = exp_of(x < 0 ? x : -x);
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

// Comparisons are written so that a NaN falls through; at an infinity the products 0 * Inf have their limit, 0.
template <typename R> static __device__ inline R activate(R x, int kind, R alpha, R beta)
{
    switch (kind)
    {
        case ACT_RELU: return x < 0 ? (R)0 : x;
        case ACT_LEAKY_RELU: return x > 0 ? x : alpha * x;
        case ACT_CLIP: return x < alpha ? alpha : x > beta ? beta : x;
        case ACT_SIGMOID: return sigmoid(x);
        case ACT_TANH: return tanh_of(x);
        case ACT_GELU_ERF:
        {
            R t = (R)0.5 * erfc_of(x * (R)-0.70710678118654752440);
            return t == 0 ? (R)-0.0 : x * t;
        }
        case ACT_GELU_TANH:
        {
            R t = sigmoid((R)1.5957691216057307117 * (x + (R)0.044715 * x * x * x));
            return t == 0 ? (R)-0.0 : x * t;
        }
        case ACT_SILU:
        {
            R t = sigmoid(alpha * x);
            return t == 0 ? (R)-0.0 : x * t;
        }
        case ACT_HARD_SWISH:
        {
            R h = alpha * x + beta;
            return h <= 0 ? (R)0 : x * (h > 1 ? (R)1 : h);
        }
        default: return x;
    }
}

#endif
