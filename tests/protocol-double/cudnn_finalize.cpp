// What finalize checks, and what it makes of a descriptor.
#include "cudnn.h"
#include <algorithm>
#include <limits>

namespace twin {

namespace {

int tensor(Descriptor &d)
{
    auto dims = d.list<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), strides = d.list<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    int64_t alignment = d.value<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0);
    Type type;
    if (dims.size() != strides.size() || dims.size() < 2) return CUDNN_STATUS_BAD_PARAM;
    for (size_t i = 0; i < dims.size(); i++)
        if (dims[i] < 1 || strides[i] < 1) return CUDNN_STATUS_BAD_PARAM;
    if (alignment < 1 || (alignment & (alignment - 1)) != 0) return CUDNN_STATUS_BAD_PARAM;
    return type_of(d.value<int>(CUDNN_ATTR_TENSOR_DATA_TYPE, 0), type) ? 0 : CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE;
}

int convolution(Descriptor &d)
{
    size_t rank = (size_t)d.value<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 0);
    auto stride = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES), dilation = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    auto pre = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS), post = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
    if (rank < 1 || rank > 3 || stride.size() != rank || dilation.size() != rank || pre.size() != rank || post.size() != rank) return CUDNN_STATUS_BAD_PARAM;
    for (size_t i = 0; i < rank; i++)
        if (stride[i] < 1 || dilation[i] < 1 || pre[i] < 0 || post[i] < 0) return CUDNN_STATUS_BAD_PARAM;
    return 0;
}

// Adds a tensor to the graph; one that came before must be the same.
int tensor_of(Graph &g, const Descriptor *d, int &index)
{
    Tensor t;
    t.uid = d->value<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
    t.alignment = d->value<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 1);
    t.data = d->value<int>(CUDNN_ATTR_TENSOR_DATA_TYPE, 0);
    t.dims = d->list<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
    t.strides = d->list<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    t.is_virtual = d->value<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0) != 0;
    for (size_t i = 0; i < g.tensors.size(); i++)
        if (g.tensors[i].uid == t.uid)
        {
            index = (int)i;
            return g.tensors[i] == t ? 0 : CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES;
        }
    index = (int)g.tensors.size();
    g.tensors.push_back(t);
    return 0;
}

int shapes(const Graph &g, const Op &op)
{
    const Tensor &y = g.tensors[op.y];
    if (op.kind == Kind::Pointwise || op.kind == Kind::Reduction)
    {
        for (int t : {op.x, op.b})
        {
            if (t < 0) continue;
            const Tensor &whole = op.kind == Kind::Reduction ? g.tensors[t] : y, &part = op.kind == Kind::Reduction ? y : g.tensors[t];
            if (part.dims.size() != whole.dims.size()) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
            for (size_t i = 0; i < part.dims.size(); i++)
                if (part.dims[i] != whole.dims[i] && part.dims[i] != 1) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
        }
        return 0;
    }
    const Tensor &image = g.tensors[op.kind == Kind::Data ? op.y : op.x], &w = g.tensors[op.kind == Kind::Filter ? op.y : op.b], &out = g.tensors[op.kind == Kind::Forward ? op.y : op.kind == Kind::Data ? op.x : op.b];
    size_t rank = op.pre.size() + 2;
    if (image.dims.size() != rank || w.dims.size() != rank || out.dims.size() != rank) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
    if (image.dims[0] != out.dims[0] || image.dims[1] % w.dims[1] || w.dims[0] != out.dims[1] || w.dims[0] % (image.dims[1] / w.dims[1])) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
    for (size_t i = 2; i < rank; i++)
    {
        int64_t room = image.dims[i] + op.pre[i - 2] + op.post[i - 2] - op.dilation[i - 2] * (w.dims[i] - 1) - 1;
        if (room < 0 || room / op.stride[i - 2] + 1 != out.dims[i]) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
    }
    return 0;
}

int convolution_op(Graph &g, const Descriptor &d, Op &op)
{
    // Conv descriptor, x, b, y, alpha, beta: by kind.
    static const int names[3][6] = {
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
    };
    op.kind = d.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ? Kind::Forward : d.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? Kind::Data : Kind::Filter;
    const int *n = names[(int)op.kind];
    for (auto [name, target] : {std::pair<int, int *>{n[1], &op.x}, {n[2], &op.b}, {n[3], &op.y}})
        if (int bad = tensor_of(g, d.child(name), *target)) return bad;
    const Descriptor &c = *d.child(n[0]);
    op.compute = c.value<int>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, 0);
    op.mode = c.value<int>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, 0);
    op.pre = c.list<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    op.post = c.list<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
    op.stride = c.list<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
    op.dilation = c.list<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    op.alpha = d.scalar(n[4], 1);
    op.beta = d.scalar(n[5], 0);
    // Scales are float, or double where sums are double.
    bool wide = d.attributes.at(n[4]).type == CUDNN_TYPE_DOUBLE;
    return wide == (op.compute == CUDNN_DATA_DOUBLE) ? 0 : CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE;
}

int operation(Graph &g, const Descriptor &d)
{
    Op op;
    if (d.type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
    {
        op.kind = Kind::Pointwise;
        const Descriptor &p = *d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
        op.mode = p.value<int>(CUDNN_ATTR_POINTWISE_MODE, 0);
        op.compute = p.value<int>(CUDNN_ATTR_POINTWISE_MATH_PREC, 0);
        op.lower = p.value<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, 0);
        op.upper = p.value<double>(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, std::numeric_limits<double>::infinity());
        op.slope = p.value<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, 0);
        op.extra = p.value<double>(op.mode == CUDNN_POINTWISE_ELU_FWD ? CUDNN_ATTR_POINTWISE_ELU_ALPHA : CUDNN_ATTR_POINTWISE_SWISH_BETA, 1);
        op.propagates = p.value<int>(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, 0) == CUDNN_PROPAGATE_NAN;
        op.alpha = d.scalar(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1);
        op.beta = d.scalar(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, 1);
        bool binary = op.mode <= CUDNN_POINTWISE_SUB && op.mode != CUDNN_POINTWISE_SQRT;
        if (binary != (d.child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC) != nullptr)) return CUDNN_STATUS_BAD_PARAM;
        if (int bad = tensor_of(g, d.child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC), op.x)) return bad;
        if (binary)
            if (int bad = tensor_of(g, d.child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC), op.b)) return bad;
        if (int bad = tensor_of(g, d.child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC), op.y)) return bad;
    }
    else if (d.type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR)
    {
        op.kind = Kind::Reduction;
        const Descriptor &r = *d.child(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
        op.mode = r.value<int>(CUDNN_ATTR_REDUCTION_OPERATOR, 0);
        op.compute = r.value<int>(CUDNN_ATTR_REDUCTION_COMP_TYPE, 0);
        if (op.mode != CUDNN_REDUCE_TENSOR_ADD) return CUDNN_STATUS_NOT_SUPPORTED;
        if (int bad = tensor_of(g, d.child(CUDNN_ATTR_OPERATION_REDUCTION_XDESC), op.x)) return bad;
        if (int bad = tensor_of(g, d.child(CUDNN_ATTR_OPERATION_REDUCTION_YDESC), op.y)) return bad;
    }
    else if (int bad = convolution_op(g, d, op)) return bad;
    if (int bad = shapes(g, op)) return bad;
    g.ops.push_back(op);
    return 0;
}

int graph(Descriptor &d)
{
    auto g = std::make_shared<Graph>();
    g->handle = d.value<const void *>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, nullptr);
    if (!live("cuDNN handle", g->handle)) return CUDNN_STATUS_BAD_PARAM;
    for (auto &child : d.children[CUDNN_ATTR_OPERATIONGRAPH_OPS])
        if (int bad = operation(*g, *child)) return bad;
    // Written once, read after it was written; an output is no input of its own operation; virtual ones have both ends inside.
    std::set<int> written, used;
    for (const Op &op : g->ops)
    {
        for (int t : {op.x, op.b})
        {
            if (t < 0) continue;
            if (t == op.y || (g->tensors[t].is_virtual && !written.count(t))) return CUDNN_STATUS_BAD_PARAM;
            used.insert(t);
        }
        if (!written.insert(op.y).second || used.count(op.y)) return CUDNN_STATUS_BAD_PARAM;
    }
    for (size_t t = 0; t < g->tensors.size(); t++)
        if (g->tensors[t].is_virtual && !used.count((int)t)) return CUDNN_STATUS_BAD_PARAM;
    d.graph = g;
    return 0;
}

int plan(Descriptor &d)
{
    d.handle = d.value<const void *>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, nullptr);
    if (!live("cuDNN handle", d.handle)) return CUDNN_STATUS_BAD_PARAM;
    if (Descriptor *config = d.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG))
    {
        d.engine = config->engine;
        d.graph = config->graph;
    }
    else if (d.has(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION))
    {
        auto text = d.list<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
        auto g = std::make_shared<Graph>();
        if (int bad = restore(std::string(text.begin(), text.end()), d.engine, *g)) return bad;
        g->handle = d.handle;
        d.graph = g;
    }
    else return CUDNN_STATUS_BAD_PARAM;
    if (d.graph->handle != d.handle) return CUDNN_STATUS_BAD_PARAM;
    if (int refused = supports(d.engine, *d.graph)) return refused;
    d.workspace = workspace_of(d.engine, *d.graph);
    return 0;
}

int pack(Descriptor &d)
{
    auto ids = d.list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    if (ids.size() != d.list<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size()) return CUDNN_STATUS_BAD_PARAM;
    return std::set<int64_t>(ids.begin(), ids.end()).size() == ids.size() ? 0 : CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES;
}

}

int finalize(Descriptor &d)
{
    if (int name = missing_attribute(d); name >= 0)
    {
        note(text("missing attribute", name));
        return CUDNN_STATUS_BAD_PARAM;
    }
    switch (d.type)
    {
        case CUDNN_BACKEND_TENSOR_DESCRIPTOR: return tensor(d);
        case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: return convolution(d);
        case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return graph(d);
        case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
            d.graph = d.child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)->graph;
            return 0;
        case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
            d.graph = d.child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->graph;
            d.engine = (int)d.value<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, -1);
            return d.engine >= 0 && d.engine < EngineCount ? 0 : CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND;
        case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
            d.graph = d.child(CUDNN_ATTR_ENGINECFG_ENGINE)->graph;
            d.engine = d.child(CUDNN_ATTR_ENGINECFG_ENGINE)->engine;
            return 0;
        case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: return plan(d);
        case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: return pack(d);
        default: return 0;
    }
}

}
