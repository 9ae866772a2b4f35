// The cuDNN double's own records: descriptors as the caller fills them, and the graph that they amount to.
#ifndef CONVNATIVE_DOUBLE_CUDNN_H
#define CONVNATIVE_DOUBLE_CUDNN_H

#include "cudnn9_abi.h"
#include "double.h"
#include "elements.h"
#include <map>
#include <memory>
#include <set>

#ifndef CUDNN_DOUBLE_VERSION
#define CUDNN_DOUBLE_VERSION 90800
#endif

namespace twin {

struct Tensor
{
    int64_t uid = 0, alignment = 1;
    int data = 0;
    std::vector<int64_t> dims, strides;
    bool is_virtual = false;

    int64_t count() const { int64_t n = 1; for (int64_t d : dims) n *= d; return n; }
    // Elements from the first to the last, both included.
    int64_t reach() const { int64_t n = 1; for (size_t i = 0; i < dims.size(); i++) n += (dims[i] - 1) * strides[i]; return n; }
    bool operator==(const Tensor &o) const { return uid == o.uid && data == o.data && dims == o.dims && strides == o.strides && is_virtual == o.is_virtual; }
};

enum class Kind { Forward, Data, Filter, Pointwise, Reduction };

// x, b, y: forward x, w, y; data dy, w, dx; filter x, dy, dw; pointwise x, b, y; reduction x, -, y. Indexes into the graph's tensors.
struct Op
{
    Kind kind = Kind::Forward;
    int x = -1, b = -1, y = -1;
    int compute = 0, mode = 0;
    double alpha = 1, beta = 0;
    std::vector<int64_t> pre, post, stride, dilation;
    double lower = 0, upper = 0, slope = 0, extra = 1;
    bool propagates = false;
};

struct Graph
{
    std::vector<Tensor> tensors;
    std::vector<Op> ops;
    const void *handle = nullptr;
};

struct EngineNotes { std::vector<int> numerical, behavior; };
constexpr int EngineCount = 9;

bool type_of(int data, Type &out);
EngineNotes notes_of(int engine);
std::vector<int> candidates(int mode);
// 0, or the status with which the plan's finalize refuses.
int supports(int engine, const Graph &graph);
int64_t workspace_of(int engine, const Graph &graph);
std::string save(int engine, const Graph &graph);
int restore(const std::string &text, int &engine, Graph &graph);
// Runs on host pointers; one for each tensor that is not virtual.
void compute(int engine, const Graph &graph, const std::map<int64_t, void *> &pointers, unsigned run);

struct Attribute { int type; int64_t count; std::vector<char> bytes; };

struct Descriptor
{
    int type = 0;
    bool finalized = false;
    std::map<int, Attribute> attributes;
    std::map<int, std::vector<std::shared_ptr<Descriptor>>> children;
    std::shared_ptr<Graph> graph;
    int engine = -1;
    int64_t workspace = 0;
    const void *handle = nullptr;

    bool has(int name) const { return attributes.count(name) != 0 || children.count(name) != 0; }
    template <typename T> std::vector<T> list(int name) const
    {
        auto it = attributes.find(name);
        if (it == attributes.end()) return {};
        const T *p = (const T *)it->second.bytes.data();
        return std::vector<T>(p, p + it->second.count);
    }
    template <typename T> T value(int name, T otherwise) const { auto v = list<T>(name); return v.empty() ? otherwise : v[0]; }
    // FLOAT or DOUBLE, as it was set.
    double scalar(int name, double otherwise) const
    {
        auto it = attributes.find(name);
        return it == attributes.end() ? otherwise : it->second.type == CUDNN_TYPE_DOUBLE ? value<double>(name, 0) : value<float>(name, 0);
    }
    Descriptor *child(int name) const { auto it = children.find(name); return it == children.end() ? nullptr : it->second[0].get(); }
};

// Checks a finalize, and builds what the descriptor stands for.
int finalize(Descriptor &d);

// What Set and Get accept: element type, least and most elements; flags of the attribute.
enum { CanSet = 1, CanGet = 2, Required = 4, Scalar = 8 };
struct Rule { int descriptor, name, type; int64_t least, most; int flags; int child; };
const Rule *rule_of(int descriptor, int name);
bool has_type(int descriptor);
int missing_attribute(const Descriptor &d);
size_t element_size(int type);

}

#endif
