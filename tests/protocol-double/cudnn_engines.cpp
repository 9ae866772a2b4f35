// The engines that the double offers: what their notes say, which graphs they take, and plans as text.
#include "cudnn.h"

namespace twin {

namespace {

// The index is the engine's global index.
enum { TensorCore, DownConvert, Fma, Atomic, Winograd, Fft, NarrowSums, Fallback, NeedsCompiler };

bool channels_last(const Tensor &t) { return t.dims.size() < 3 || t.dims[1] == 1 || t.strides[1] == 1; }

bool is_conv(const Op &op) { return op.kind == Kind::Forward || op.kind == Kind::Data || op.kind == Kind::Filter; }

const Tensor &filter(const Graph &g, const Op &op) { return g.tensors[op.kind == Kind::Filter ? op.y : op.b]; }

// Types that cuDNN's convolutions take.
int types(const Graph &g, const Op &op)
{
    int x = g.tensors[op.x].data, b = g.tensors[op.b].data, y = g.tensors[op.y].data;
    if (x != b) return CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
    switch (x)
    {
        case CUDNN_DATA_FLOAT: return y == x && op.compute == CUDNN_DATA_FLOAT ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
        case CUDNN_DATA_DOUBLE: return y == x && op.compute == CUDNN_DATA_DOUBLE ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
        case CUDNN_DATA_HALF:
        case CUDNN_DATA_BFLOAT16: return (y == x || y == CUDNN_DATA_FLOAT) && op.compute == CUDNN_DATA_FLOAT ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
        case CUDNN_DATA_INT8:
        {
            if (op.kind != Kind::Forward || op.compute != CUDNN_DATA_INT32) return CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
            if (y != CUDNN_DATA_INT32 && y != CUDNN_DATA_INT8 && y != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
            for (int t : {op.x, op.b, op.y})
                if (!channels_last(g.tensors[t])) return CUDNN_STATUS_NOT_SUPPORTED_LAYOUT;
            return g.tensors[op.b].dims[1] % 4 || g.tensors[op.b].dims[0] % 4 ? CUDNN_STATUS_NOT_SUPPORTED_SHAPE : 0;
        }
        default: return CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
    }
}

bool symmetric(const Op &op) { return op.pre == op.post; }

}

bool type_of(int data, Type &out)
{
    switch (data)
    {
        case CUDNN_DATA_FLOAT: out = Type::F32; return true;
        case CUDNN_DATA_DOUBLE: out = Type::F64; return true;
        case CUDNN_DATA_HALF: out = Type::F16; return true;
        case CUDNN_DATA_BFLOAT16: out = Type::BF16; return true;
        case CUDNN_DATA_INT8: out = Type::S8; return true;
        case CUDNN_DATA_UINT8: out = Type::U8; return true;
        case CUDNN_DATA_INT32: out = Type::S32; return true;
        default: return false;
    }
}

EngineNotes notes_of(int engine)
{
    switch (engine)
    {
        // Two ways to announce TF32, because sources disagree on it.
        case TensorCore: return {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}};
        case DownConvert: return {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}};
        case Atomic: return {{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, {}};
        case Winograd: return {{CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4}, {}};
        case Fft: return {{CUDNN_NUMERICAL_NOTE_FFT}, {}};
        case NarrowSums: return {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}, {}};
        case NeedsCompiler: return {{}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}};
        default: return {};
    }
}

std::vector<int> candidates(int mode)
{
    switch (mode)
    {
        case CUDNN_HEUR_MODE_A:
        case CUDNN_HEUR_MODE_B: return {NeedsCompiler, TensorCore, DownConvert, Winograd, NarrowSums, Fft, Atomic, Fma};
        case CUDNN_HEUR_MODE_FALLBACK: return {Fallback};
        default: return {Fma};
    }
}

int supports(int engine, const Graph &g)
{
    const Op &first = g.ops[0];
    if (!is_conv(first))
    {
        // Pointwise chains and a lone reduction have general engines only.
        for (const Op &op : g.ops)
            if (is_conv(op) || (op.kind == Kind::Reduction && g.ops.size() > 1)) return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
        return engine == Fma || engine == Fallback ? 0 : CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
    }
    for (size_t i = 1; i < g.ops.size(); i++)
        if (g.ops[i].kind != Kind::Pointwise || first.kind != Kind::Forward) return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
    if (first.mode == CUDNN_CONVOLUTION) return CUDNN_STATUS_NOT_SUPPORTED;
    bool fused = g.ops.size() > 1;
    // A fused convolution's virtual output may have the compute type.
    if (int bad = fused ? 0 : types(g, first)) return bad;
    const Tensor &x = g.tensors[first.x], &w = filter(g, first);
    bool floats = x.data == CUDNN_DATA_FLOAT, plain = true;
    for (size_t i = 2; i < w.dims.size(); i++) plain &= w.dims[i] == 3 && first.stride[i - 2] == 1 && first.dilation[i - 2] == 1;
    bool groups = x.dims[1] != w.dims[1] && first.kind == Kind::Forward;
    if (engine == NeedsCompiler) return CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED;
    if (engine == Fallback) return fused ? CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN : 0;
    if (!symmetric(first)) return CUDNN_STATUS_NOT_SUPPORTED_PADDING;
    if (fused)
    {
        if ((engine != TensorCore && engine != Fma) || g.ops.size() > 5) return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
        for (size_t i = 1; i < g.ops.size(); i++)
            if (g.ops[i].mode != CUDNN_POINTWISE_ADD && g.ops[i].mode != CUDNN_POINTWISE_MUL && g.ops[i].mode != CUDNN_POINTWISE_RELU_FWD && g.ops[i].mode != CUDNN_POINTWISE_SIGMOID_FWD) return CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN;
    }
    switch (engine)
    {
        case TensorCore:
        case DownConvert: return x.data == CUDNN_DATA_DOUBLE ? CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE : 0;
        case Fma: return floats || x.data == CUDNN_DATA_DOUBLE ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
        case Atomic: return first.kind == Kind::Forward ? CUDNN_STATUS_NOT_SUPPORTED : x.data == CUDNN_DATA_DOUBLE ? CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE : 0;
        case Winograd: return !floats ? CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE : !plain || groups || x.dims.size() != 4 ? CUDNN_STATUS_NOT_SUPPORTED_SHAPE : 0;
        case Fft: return !floats ? CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE : first.kind != Kind::Forward || groups || x.dims.size() != 4 || !plain ? CUDNN_STATUS_NOT_SUPPORTED_SHAPE : 0;
        default: return x.data == CUDNN_DATA_HALF ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
    }
}

int64_t workspace_of(int engine, const Graph &g)
{
    switch (engine)
    {
        case TensorCore: return 0;
        case DownConvert: return 4096;
        case Fft: return (int64_t)256 << 20;
        case Winograd: return 1 << 20;
        case Fma: return 0;
        default: return 4 * g.tensors[g.ops.back().y].count();
    }
}

std::string save(int engine, const Graph &g)
{
    std::ostringstream s;
    s << "{\"double\":\"" << CUDNN_DOUBLE_VERSION << ' ' << engine << ' ' << g.tensors.size() << ' ';
    auto list = [&](const std::vector<int64_t> &v) { s << v.size() << ' '; for (int64_t i : v) s << i << ' '; };
    for (const Tensor &t : g.tensors)
    {
        s << t.uid << ' ' << t.alignment << ' ' << t.data << ' ' << t.is_virtual << ' ';
        list(t.dims);
        list(t.strides);
    }
    s.precision(17);
    s << g.ops.size() << ' ';
    for (const Op &o : g.ops)
    {
        s << (int)o.kind << ' ' << o.x << ' ' << o.b << ' ' << o.y << ' ' << o.compute << ' ' << o.mode << ' ' << o.alpha << ' ' << o.beta << ' ';
        s << o.lower << ' ' << (std::isinf(o.upper) ? 1e308 : o.upper) << ' ' << o.slope << ' ' << o.extra << ' ' << o.propagates << ' ';
        list(o.pre);
        list(o.post);
        list(o.stride);
        list(o.dilation);
    }
    s << "\"}";
    return s.str();
}

int restore(const std::string &text, int &engine, Graph &g)
{
    const std::string start = "{\"double\":\"";
    if (text.rfind(start, 0) != 0) return CUDNN_STATUS_BAD_PARAM;
    std::istringstream s(text.substr(start.size()));
    int version = 0;
    size_t count = 0;
    s >> version >> engine >> count;
    if (version != CUDNN_DOUBLE_VERSION) return CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH;
    auto list = [&](std::vector<int64_t> &v) { size_t n = 0; s >> n; v.resize(n > 8 ? 0 : n); for (int64_t &i : v) s >> i; };
    if (count > 256) return CUDNN_STATUS_BAD_PARAM;
    g.tensors.resize(count);
    for (Tensor &t : g.tensors)
    {
        s >> t.uid >> t.alignment >> t.data >> t.is_virtual;
        list(t.dims);
        list(t.strides);
    }
    s >> count;
    if (!s || count > 64) return CUDNN_STATUS_BAD_PARAM;
    g.ops.resize(count);
    for (Op &o : g.ops)
    {
        int kind;
        s >> kind >> o.x >> o.b >> o.y >> o.compute >> o.mode >> o.alpha >> o.beta >> o.lower >> o.upper >> o.slope >> o.extra >> o.propagates;
        o.kind = (Kind)kind;
        list(o.pre);
        list(o.post);
        list(o.stride);
        list(o.dilation);
    }
    return s && !g.ops.empty() && engine >= 0 && engine < EngineCount ? 0 : CUDNN_STATUS_BAD_PARAM;
}

}
