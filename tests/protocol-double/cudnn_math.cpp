// What the cuDNN double computes: plain loops over tensors in logical order.
#include "cudnn.h"
#include <algorithm>
#include <limits>

namespace twin {

namespace {

typedef std::vector<double> Values;

Values read(const Tensor &t, const void *p)
{
    Type type = Type::F32;
    type_of(t.data, type);
    Values v((size_t)t.count());
    std::vector<int64_t> at(t.dims.size(), 0);
    int64_t offset = 0;
    for (double &e : v)
    {
        e = load(type, p, offset);
        for (size_t a = at.size(); a-- > 0;)
        {
            offset += t.strides[a];
            if (++at[a] < t.dims[a]) break;
            offset -= at[a] * t.strides[a];
            at[a] = 0;
        }
    }
    return v;
}

void write(const Tensor &t, void *p, const Values &v)
{
    Type type = Type::F32;
    type_of(t.data, type);
    std::vector<int64_t> at(t.dims.size(), 0);
    int64_t offset = 0;
    for (double e : v)
    {
        store(type, p, offset, e);
        for (size_t a = at.size(); a-- > 0;)
        {
            offset += t.strides[a];
            if (++at[a] < t.dims[a]) break;
            offset -= at[a] * t.strides[a];
            at[a] = 0;
        }
    }
}

// A tensor between two operations holds what its type can hold.
void round_to(const Tensor &t, Values &v)
{
    Type type = Type::F32;
    type_of(t.data, type);
    char cell[8];
    for (double &e : v)
    {
        store(type, cell, 0, e);
        e = load(type, cell, 0);
    }
}

// Three spatial axes; those that are not there have size 1.
struct Shape
{
    int64_t n, c, size[3];
    explicit Shape(const Tensor &t) : n(t.dims[0]), c(t.dims[1]), size{1, 1, 1}
    {
        for (size_t i = 2; i < t.dims.size(); i++) size[3 - t.dims.size() + i] = t.dims[i];
    }
    int64_t plane() const { return size[0] * size[1] * size[2]; }
};

struct Axes
{
    int64_t pad[3] = {0, 0, 0}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
    explicit Axes(const Op &op)
    {
        size_t rank = op.pre.size();
        for (size_t i = 0; i < rank; i++)
        {
            pad[3 - rank + i] = op.pre[i];
            stride[3 - rank + i] = op.stride[i];
            dilation[3 - rank + i] = op.dilation[i];
        }
    }
};

enum class Trick { None, Half };

// Calls body(position in y's plane, position in x's plane) for every output position whose tap lies inside.
template <typename F> void along(const Shape &x, const Shape &y, const Axes &a, const int64_t *k, F body)
{
    for (int64_t z = 0; z < y.size[0]; z++)
    {
        int64_t iz = z * a.stride[0] - a.pad[0] + k[0] * a.dilation[0];
        if (iz < 0 || iz >= x.size[0]) continue;
        for (int64_t h = 0; h < y.size[1]; h++)
        {
            int64_t ih = h * a.stride[1] - a.pad[1] + k[1] * a.dilation[1];
            if (ih < 0 || ih >= x.size[1]) continue;
            for (int64_t w = 0; w < y.size[2]; w++)
            {
                int64_t iw = w * a.stride[2] - a.pad[2] + k[2] * a.dilation[2];
                if (iw >= 0 && iw < x.size[2]) body((z * y.size[1] + h) * y.size[2] + w, (iz * x.size[1] + ih) * x.size[2] + iw);
            }
        }
    }
}

// The three directions of one correlation: out[..] += left * right. Which operand is the result decides the direction.
// first: where sums begin; an engine that is not reproducible begins elsewhere every time.
template <typename R> void convolve(const Op &op, const Tensor &xt, const Tensor &wt, const Tensor &yt, std::vector<R> &x, std::vector<R> &w, std::vector<R> &y, unsigned first, Trick trick)
{
    Shape xs(xt), ys(yt), ws(wt);
    Axes axes(op);
    int64_t groups = xs.c / ws.c, outputs = ws.n / groups, taps = ws.plane();
    auto narrow = [&](R &v) { if (trick == Trick::Half) v = (R)(_Float16)(float)v; };
    for (int64_t ni = 0; ni < xs.n; ni++)
        for (int64_t oi = 0; oi < ws.n; oi++)
            for (int64_t ci = 0; ci < ws.c; ci++)
            {
                int64_t n = (ni + first) % xs.n, o = (oi + first) % ws.n, c = (ci + first) % ws.c;
                R *xp = x.data() + (n * xs.c + o / outputs * ws.c + c) * xs.plane(), *yp = y.data() + (n * ws.n + o) * ys.plane(), *wp = w.data() + (o * ws.c + c) * taps;
                for (int64_t t = 0; t < taps; t++)
                {
                    int64_t k[3] = {t / ws.size[2] / ws.size[1], t / ws.size[2] % ws.size[1], t % ws.size[2]};
                    if (op.kind == Kind::Forward) along(xs, ys, axes, k, [&](int64_t yi, int64_t xi) { yp[yi] += xp[xi] * wp[t]; narrow(yp[yi]); });
                    else if (op.kind == Kind::Data) along(xs, ys, axes, k, [&](int64_t yi, int64_t xi) { xp[xi] += yp[yi] * wp[t]; narrow(xp[xi]); });
                    else along(xs, ys, axes, k, [&](int64_t yi, int64_t xi) { wp[t] += yp[yi] * xp[xi]; narrow(wp[t]); });
                }
            }
}

template <typename R> Values direction(const Op &op, const Graph &g, const Values &a, const Values &b, unsigned first, Trick trick)
{
    std::vector<R> left(a.begin(), a.end()), right(b.begin(), b.end()), result((size_t)g.tensors[op.y].count(), R(0));
    const Tensor &x = g.tensors[op.kind == Kind::Data ? op.y : op.x], &w = g.tensors[op.kind == Kind::Filter ? op.y : op.b], &y = g.tensors[op.kind == Kind::Forward ? op.y : op.kind == Kind::Data ? op.x : op.b];
    if (op.kind == Kind::Forward) convolve<R>(op, x, w, y, left, right, result, first, trick);
    else if (op.kind == Kind::Data) convolve<R>(op, x, w, y, result, right, left, first, trick);
    else convolve<R>(op, x, w, y, left, result, right, first, trick);
    return Values(result.begin(), result.end());
}

double pointwise(const Op &op, double a, double b)
{
    switch (op.mode)
    {
        case CUDNN_POINTWISE_ADD: return a + b;
        case CUDNN_POINTWISE_SUB: return a - b;
        case CUDNN_POINTWISE_MUL: return a * b;
        case CUDNN_POINTWISE_DIV: return a / b;
        case CUDNN_POINTWISE_MAX: return std::fmax(a, b);
        case CUDNN_POINTWISE_MIN: return std::fmin(a, b);
        case CUDNN_POINTWISE_IDENTITY: return a;
        case CUDNN_POINTWISE_ABS: return std::fabs(a);
        case CUDNN_POINTWISE_NEG: return -a;
        case CUDNN_POINTWISE_EXP: return std::exp(a);
        case CUDNN_POINTWISE_ERF: return std::erf(a);
        case CUDNN_POINTWISE_TANH_FWD: return std::tanh(a);
        case CUDNN_POINTWISE_SIGMOID_FWD: return 1 / (1 + std::exp(-a));
        case CUDNN_POINTWISE_SWISH_FWD: return a / (1 + std::exp(-op.extra * a));
        case CUDNN_POINTWISE_GELU_FWD: return 0.5 * a * (1 + std::erf(a / std::sqrt(2.0)));
        case CUDNN_POINTWISE_GELU_APPROX_TANH_FWD: return 0.5 * a * (1 + std::tanh(0.7978845608028654 * (a + 0.044715 * a * a * a)));
        case CUDNN_POINTWISE_ELU_FWD: return a > 0 ? a : op.extra * std::expm1(a);
        case CUDNN_POINTWISE_RELU_FWD:
            // Without propagation a NaN is what max(NaN, 0) gives on the device: the limit.
            if (std::isnan(a)) return op.propagates ? a : op.lower;
            return a > op.lower ? a < op.upper ? a : op.upper : op.lower + op.slope * (a - op.lower);
        default: return std::numeric_limits<double>::quiet_NaN();
    }
}

// The element of a tensor with sizes of 1 that element i of `whole` meets.
int64_t broadcast(const Tensor &whole, const Tensor &small, int64_t i)
{
    int64_t at = 0, step = 1;
    for (size_t a = whole.dims.size(); a-- > 0;)
    {
        int64_t place = i % whole.dims[a];
        i /= whole.dims[a];
        if (small.dims[a] != 1) at += place * step;
        step *= small.dims[a];
    }
    return at;
}

}

void compute(int engine, const Graph &g, const std::map<int64_t, void *> &pointers, unsigned run)
{
    std::vector<Values> values(g.tensors.size());
    auto in = [&](int t) -> Values & {
        if (values[t].empty()) values[t] = read(g.tensors[t], pointers.at(g.tensors[t].uid));
        return values[t];
    };
    EngineNotes notes = notes_of(engine);
    auto noted = [&](int note) { return std::find(notes.numerical.begin(), notes.numerical.end(), note) != notes.numerical.end(); };
    for (const Op &op : g.ops)
    {
        const Tensor &y = g.tensors[op.y];
        Values result;
        if (op.kind == Kind::Pointwise)
        {
            Values &a = in(op.x);
            Values *b = op.b >= 0 ? &in(op.b) : nullptr;
            result.resize((size_t)y.count());
            for (int64_t i = 0; i < y.count(); i++)
                result[i] = pointwise(op, op.alpha * a[broadcast(y, g.tensors[op.x], i)], b ? op.beta * (*b)[broadcast(y, g.tensors[op.b], i)] : 0);
        }
        else if (op.kind == Kind::Reduction)
        {
            Values &a = in(op.x);
            const Tensor &x = g.tensors[op.x];
            std::vector<float> sums((size_t)y.count(), 0);
            std::vector<double> wide((size_t)y.count(), 0);
            for (int64_t i = 0; i < x.count(); i++)
            {
                int64_t at = broadcast(x, y, i);
                sums[at] += (float)a[i];
                wide[at] += a[i];
            }
            result = op.compute == CUDNN_DATA_DOUBLE ? wide : Values(sums.begin(), sums.end());
        }
        else
        {
            Values a = in(op.x), b = in(op.b);
            if (g.tensors[op.x].data == CUDNN_DATA_FLOAT && (noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || noted(CUDNN_NUMERICAL_NOTE_WINOGRAD) || noted(CUDNN_NUMERICAL_NOTE_FFT)))
                for (Values *v : {&a, &b})
                    for (double &e : *v) e = tf32(e);
            unsigned first = noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) ? run : 0;
            Trick trick = noted(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) ? Trick::Half : Trick::None;
            result = op.compute == CUDNN_DATA_DOUBLE ? direction<double>(op, g, a, b, first, trick)
                : op.compute == CUDNN_DATA_INT32 ? direction<int64_t>(op, g, a, b, first, Trick::None) : direction<float>(op, g, a, b, first, trick);
            // With beta = 0 the output is not read.
            if (op.alpha != 1) for (double &e : result) e = op.compute == CUDNN_DATA_DOUBLE ? e * op.alpha : (double)((float)e * (float)op.alpha);
            if (op.beta != 0)
            {
                Values old = read(y, pointers.at(y.uid));
                for (size_t i = 0; i < old.size(); i++) result[i] += op.beta * old[i];
            }
        }
        if (op.compute != CUDNN_DATA_DOUBLE && op.compute != CUDNN_DATA_INT32) for (double &e : result) e = (float)e;
        if (y.is_virtual) round_to(y, result);
        else write(y, pointers.at(y.uid), result);
        values[op.y] = std::move(result);
    }
}

}
