// Shared by the kernels for CPU devices, after common.cl: a work-item is a thread, and vectors are written out. REAL is the type of
// everything here. Set by the host: L, the elements of the device's widest vector; ACT, the activation; RESIDUAL and OUT_SCALE, 1 where there
// is one; and by kernels with tiles R, its rows, and V, its vectors.
#define T REAL
#define CAT(a, b) JOIN(a, b)
#define UNROLL _Pragma("unroll")
#define ONE_ITEM __attribute__((reqd_work_group_size(1, 1, 1)))

typedef CAT(T, L) TV;

// As wide as TV, aligned as T. vstore16 comes out of PoCL 3.1 as three stores.
typedef TV __attribute__((aligned(sizeof(T)))) TV_ANYWHERE;

#define LOAD(p) CAT(vload, L)(0, p)
#define STORE(v, p) (*(__global TV_ANYWHERE *)(p) = (v))
#define STORE_LOCAL(v, p) (*(__local TV_ANYWHERE *)(p) = (v))

// Interleaves the lower and the upper halves of two vectors, and takes parts of one.
#if L == 16
#define LOWER(a, b) (TV)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7)
#define UPPER(a, b) (TV)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf)
#define STEPS 4
#elif L == 8
#define LOWER(a, b) (TV)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3)
#define UPPER(a, b) (TV)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7)
#define STEPS 3
#elif L == 4
#define LOWER(a, b) (TV)(a.s0, b.s0, a.s1, b.s1)
#define UPPER(a, b) (TV)(a.s2, b.s2, a.s3, b.s3)
#define STEPS 2
#else
#define LOWER(a, b) (TV)(a.s0, b.s0)
#define UPPER(a, b) (TV)(a.s1, b.s1)
#define STEPS 1
#endif

// m[i] lane j becomes m[j] lane i: each step rotates the bits of (row, lane) by one.
inline void transpose(TV *m)
{
    UNROLL for (int s = 0; s < STEPS; s++)
    {
        TV n[L];
        UNROLL for (int i = 0; i < L / 2; i++)
        {
            n[2 * i] = LOWER(m[i], m[i + L / 2]);
            n[2 * i + 1] = UPPER(m[i], m[i + L / 2]);
        }
        UNROLL for (int i = 0; i < L; i++) m[i] = n[i];
    }
}

// The first n elements of a vector to or from memory, nothing behind them touched.
inline void store_some(TV v, __global T *p, int n)
{
#if L >= 16
    if (n & 16) { STORE(v, p); return; }
    CAT(T, 8) v8 = v.lo;
    if (n & 8) { vstore8(v8, 0, p); p += 8; v8 = v.hi; }
#elif L >= 8
    if (n & 8) { STORE(v, p); return; }
    CAT(T, 8) v8 = v;
#endif
#if L >= 8
    CAT(T, 4) v4 = v8.lo;
    if (n & 4) { vstore4(v4, 0, p); p += 4; v4 = v8.hi; }
#elif L >= 4
    if (n & 4) { STORE(v, p); return; }
    CAT(T, 4) v4 = v;
#endif
#if L >= 4
    CAT(T, 2) v2 = v4.lo;
    if (n & 2) { vstore2(v2, 0, p); p += 2; v2 = v4.hi; }
#else
    if (n & 2) { STORE(v, p); return; }
    CAT(T, 2) v2 = v;
#endif
    if (n & 1) *p = v2.lo;
}

inline TV load_some(__global const T *p, int n)
{
    T e[L] = { 0 };
    for (int i = 0; i < n; i++) e[i] = p[i];
    return LOAD(e);
}

// What follows a sum: the residual times its factor, the activation, the output's factor. Activations of exp, tanh and erfc are COSTLY to
// repeat, so kernels have them in one place only. D is the type of x, T or TV.
#define POST_ARGS T scale, T alpha, T beta, T out_scale
#define POST_VALUES scale, alpha, beta, out_scale
#define COSTLY (ACT == ACT_SIGMOID || ACT == ACT_TANH || ACT == ACT_GELU_ERF || ACT == ACT_GELU_TANH || ACT == ACT_SILU)

// 1 where a costly function follows a residual: then elements are finished one by one.
#if COSTLY && RESIDUAL
#define BY_ELEMENT 1
#else
#define BY_ELEMENT 0
#endif

#define SIGMOID(x) ((x) < 0 ? exp(-fabs(x)) / (1 + exp(-fabs(x))) : 1 / (1 + exp(-fabs(x))))
// The limits at minus infinity, where a product would be 0 * Inf.
#define LIMIT(D, at, x, y) ((x) == (D)(-INFINITY) ? (D)(at) : (y))
#define GATE(D, x) (alpha * (x) + beta < 0 ? (D)(0) : (alpha * (x) + beta > 1 ? (D)(1) : alpha * (x) + beta))
#if ACT == ACT_RELU
#define ACTIVATE(D, x) ((x) < 0 ? (D)(0) : (x))
#elif ACT == ACT_LEAKY_RELU
#define ACTIVATE(D, x) ((x) > 0 ? (x) : alpha * (x))
#elif ACT == ACT_CLIP
#define ACTIVATE(D, x) ((x) < alpha ? (D)(alpha) : ((x) > beta ? (D)(beta) : (x)))
#elif ACT == ACT_SIGMOID
#define ACTIVATE(D, x) SIGMOID(x)
#elif ACT == ACT_TANH
#define ACTIVATE(D, x) tanh(x)
#elif ACT == ACT_GELU_ERF
#define ACTIVATE(D, x) LIMIT(D, -0.0f, x, (T)0.5f * (x) * erfc((x) * -(T)REAL_SQRT_HALF))
#elif ACT == ACT_GELU_TANH
#define ACTIVATE(D, x) LIMIT(D, -0.0f, x, (x) * SIGMOID((T)REAL_GELU_FACTOR * ((x) + (T)REAL_GELU_CUBE * (x) * (x) * (x))))
#elif ACT == ACT_SILU
#define ACTIVATE(D, x) LIMIT(D, alpha > 0 ? (T)-0.0f : (T)-INFINITY, x, (x) * SIGMOID(alpha * (x)))
#elif ACT == ACT_HARD_SWISH
#define ACTIVATE(D, x) (GATE(D, x) == 0 ? (D)(0) : (x) * GATE(D, x))
#else
#define ACTIVATE(D, x) (x)
#endif
#if OUT_SCALE
#define RESULT(D, x) (out_scale * ACTIVATE(D, x))
#else
#define RESULT(D, x) ACTIVATE(D, x)
#endif

inline T post_one(T sum, __global const T *z, POST_ARGS)
{
#if RESIDUAL
    sum += scale * *z;
#endif
    return RESULT(T, sum);
}

// n elements at z and onwards belong to the vector. A COSTLY activation is left to the caller, who has no residual then.
inline TV post_vector(TV sum, __global const T *z, int n, POST_ARGS)
{
#if RESIDUAL
    sum += scale * (n == L ? LOAD(z) : load_some(z, n));
#endif
#if COSTLY
    return sum;
#else
    return RESULT(TV, sum);
#endif
}

#ifdef R
// Sums are variables with names, s_ROW_VECTOR: a compiler may leave an array in memory.
#if R > 1
#define ROW1(M) M(1)
#else
#define ROW1(M)
#endif
#if R > 2
#define ROW2(M) M(2)
#else
#define ROW2(M)
#endif
#if R > 3
#define ROW3(M) M(3)
#else
#define ROW3(M)
#endif
#if R > 4
#define ROW4(M) M(4)
#else
#define ROW4(M)
#endif
#if R > 5
#define ROW5(M) M(5)
#else
#define ROW5(M)
#endif
#if R > 6
#define ROW6(M) M(6)
#else
#define ROW6(M)
#endif
#if R > 7
#define ROW7(M) M(7)
#else
#define ROW7(M)
#endif
#if R > 8
#define ROW8(M) M(8)
#else
#define ROW8(M)
#endif
#if R > 9
#define ROW9(M) M(9)
#else
#define ROW9(M)
#endif
#if R > 10
#define ROW10(M) M(10)
#else
#define ROW10(M)
#endif
#if R > 11
#define ROW11(M) M(11)
#else
#define ROW11(M)
#endif
#if R > 12
#define ROW12(M) M(12)
#else
#define ROW12(M)
#endif
#if R > 13
#define ROW13(M) M(13)
#else
#define ROW13(M)
#endif
#define EACH_ROW(M) M(0) ROW1(M) ROW2(M) ROW3(M) ROW4(M) ROW5(M) ROW6(M) ROW7(M) ROW8(M) ROW9(M) ROW10(M) ROW11(M) ROW12(M) ROW13(M)
#if V == 1
#define EACH_VECTOR(M, r) M(r, 0)
#elif V == 2
#define EACH_VECTOR(M, r) M(r, 0) M(r, 1)
#else
#define EACH_VECTOR(M, r) M(r, 0) M(r, 1) M(r, 2) M(r, 3)
#endif
#endif
