// libcudnn_graph.so.9's double: handles and the functions of the graph API.
#include "cudnn.h"
#include <algorithm>
#include <dlfcn.h>

using namespace twin;

namespace {

struct Handle { StreamId stream = 0; };
std::map<const void *, Handle> handles;
std::map<void *, std::shared_ptr<Descriptor>> descriptors;
thread_local std::string t_last;

cudnnStatus_t fail(int status, const std::string &why)
{
    if (status)
    {
        t_last = "protocol double: " + why;
        note("  -> " + std::to_string(status) + " " + why);
    }
    return (cudnnStatus_t)status;
}

// A part of the library, found as the real one finds it: by its bare name.
int part_version(const char *part)
{
    void *library = dlopen(("libcudnn_" + std::string(part) + ".so.9").c_str(), RTLD_NOW);
    auto version = library ? (size_t (*)())dlsym(library, ("convnative_double_version_" + std::string(part)).c_str()) : nullptr;
    return version ? (int)version() : 0;
}

cudnnStatus_t check_part(const char *part)
{
    int version = part_version(part);
    if (version == 0) return fail(CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, std::string("libcudnn_") + part + ".so.9 cannot be loaded");
    return version == CUDNN_DOUBLE_VERSION ? CUDNN_STATUS_SUCCESS : fail(CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, text("libcudnn_" + std::string(part) + ".so.9 is", version, "not", CUDNN_DOUBLE_VERSION));
}

std::shared_ptr<Descriptor> find(void *descriptor)
{
    auto it = descriptors.find(descriptor);
    return it == descriptors.end() ? nullptr : it->second;
}

std::string kind_of(int type) { return "cuDNN descriptor " + std::to_string(type); }

int set_children(Descriptor &d, const Rule &rule, int64_t count, const void *elements)
{
    std::vector<std::shared_ptr<Descriptor>> list;
    for (int64_t i = 0; i < count; i++)
    {
        auto child = find(((void *const *)elements)[i]);
        if (!child) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
        bool operation = (child->type >= CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR && child->type <= CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) || child->type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR;
        if (rule.child == -1 ? !operation : child->type != rule.child) return CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE;
        if (!child->finalized) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
        list.push_back(child);
    }
    d.children[rule.name] = list;
    return 0;
}

// An engine or a configuration that Get fills in: a descriptor that the caller made.
int fill(void *target, int type, const std::shared_ptr<Graph> &graph, int engine)
{
    auto d = find(target);
    if (!d) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    if (d->type != type || d->finalized) return CUDNN_STATUS_BAD_PARAM;
    d->graph = graph;
    d->engine = engine;
    d->finalized = true;
    return 0;
}

template <typename T> int give(const std::vector<T> &values, int64_t capacity, int64_t *count, void *elements)
{
    if (count) *count = (int64_t)values.size();
    if (capacity > 0 && !elements) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    for (size_t i = 0; i < values.size() && (int64_t)i < capacity; i++) ((T *)elements)[i] = values[i];
    return 0;
}

int get(Descriptor &d, const Rule &rule, int64_t capacity, int64_t *count, void *elements)
{
    switch (rule.name)
    {
        case CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT: return give<int64_t>({EngineCount}, capacity, count, elements);
        case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE: return give(notes_of(d.engine).numerical, capacity, count, elements);
        case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE: return give(notes_of(d.engine).behavior, capacity, count, elements);
        case CUDNN_ATTR_ENGINE_GLOBAL_INDEX: return give<int64_t>({d.engine}, capacity, count, elements);
        case CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE: return give<int64_t>({workspace_of(d.engine, *d.graph)}, capacity, count, elements);
        case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE: return give<int64_t>({d.workspace}, capacity, count, elements);
        case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION:
        {
            std::string s = save(d.engine, *d.graph);
            std::vector<char> all(s.begin(), s.end());
            all.push_back(0);
            return give(all, capacity, count, elements);
        }
        case CUDNN_ATTR_ENGINECFG_ENGINE:
            if (count) *count = 1;
            return capacity < 1 ? 0 : fill(((void **)elements)[0], CUDNN_BACKEND_ENGINE_DESCRIPTOR, d.graph, d.engine);
        case CUDNN_ATTR_ENGINEHEUR_RESULTS:
        {
            auto list = candidates(d.value<int>(CUDNN_ATTR_ENGINEHEUR_MODE, 0));
            if (count) *count = capacity == 0 ? (int64_t)list.size() : std::min<int64_t>(capacity, (int64_t)list.size());
            for (int64_t i = 0; i < capacity && i < (int64_t)list.size(); i++)
                if (int bad = fill(((void **)elements)[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, d.graph, list[(size_t)i])) return bad;
            return 0;
        }
        default:
        {
            auto it = d.attributes.find(rule.name);
            if (it == d.attributes.end()) return CUDNN_STATUS_BAD_PARAM;
            if (count) *count = it->second.count;
            memcpy(elements, it->second.bytes.data(), element_size(it->second.type) * (size_t)std::min(capacity, it->second.count));
            return 0;
        }
    }
}

}

EXPORT size_t cudnnGetVersion() { return CUDNN_DOUBLE_VERSION; }
EXPORT size_t cudnnGetMaxDeviceVersion() { return 900; }
EXPORT size_t cudnnGetCudartVersion() { return 12080; }
EXPORT const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch ((int)status)
    {
        case 0: return "CUDNN_STATUS_SUCCESS";
        case 1001: return "CUDNN_STATUS_NOT_INITIALIZED";
        case 1002: return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
        case 1003: return "CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH";
        case 1008: return "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED";
        case 2000: return "CUDNN_STATUS_BAD_PARAM";
        case 2008: return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
        case 3000: return "CUDNN_STATUS_NOT_SUPPORTED";
        case 3001: return "CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN";
        case 4000: return "CUDNN_STATUS_INTERNAL_ERROR";
        case 5000: return "CUDNN_STATUS_EXECUTION_FAILED";
        default: return "CUDNN_STATUS_OF_THE_PROTOCOL_DOUBLE";
    }
}
EXPORT void cudnnGetLastErrorString(char *buffer, size_t capacity)
{
    if (!buffer || capacity == 0) return;
    size_t n = std::min(t_last.size(), capacity - 1);
    memcpy(buffer, t_last.data(), n);
    buffer[n] = 0;
}
EXPORT cudnnStatus_t cudnnGetProperty(libraryPropertyType which, int *value)
{
    *value = which == MAJOR_VERSION ? CUDNN_DOUBLE_VERSION / 10000 : which == MINOR_VERSION ? CUDNN_DOUBLE_VERSION / 100 % 100 : CUDNN_DOUBLE_VERSION % 100;
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnGraphVersionCheck() { CALL(cudnnStatus_t); return CUDNN_STATUS_SUCCESS; }
EXPORT cudnnStatus_t cudnnOpsVersionCheck() { CALL(cudnnStatus_t); return check_part("ops"); }
EXPORT cudnnStatus_t cudnnCnnVersionCheck() { CALL(cudnnStatus_t); return check_part("cnn"); }

EXPORT cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    CALL(cudnnStatus_t);
    if (!handle) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "handle is null");
    *handle = nullptr;
    if (device_count() == 0 || driver_version() == 0) return fail(CUDNN_STATUS_NOT_INITIALIZED, "no device");
    if (sticky()) return fail(CUDNN_STATUS_INTERNAL_ERROR, "the device is in an error state");
    static uintptr_t next = 0xC000;
    *handle = (cudnnHandle_t)next++;
    handles[*handle] = {};
    add("cuDNN handle", *handle);
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    CALL_LATE(handle);
    if (!remove("cuDNN handle", handle)) return fail(CUDNN_STATUS_BAD_PARAM, "not a handle");
    drain_all();
    for (auto &d : descriptors)
        if (d.second->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR && d.second->handle == handle) misuse("a handle is destroyed before a plan of it");
    handles.erase(handle);
    return (cudnnStatus_t)injected;
}
EXPORT cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    CALL(cudnnStatus_t, stream);
    StreamId id = (uintptr_t)stream <= 2 ? 0 : (StreamId)(uintptr_t)stream;
    if (!handles.count(handle) || !stream_exists(id)) return fail(CUDNN_STATUS_BAD_PARAM, "no such handle or stream");
    handles[handle].stream = id;
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream)
{
    CALL(cudnnStatus_t);
    if (!handles.count(handle)) return fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    *stream = (cudaStream_t)handles[handle].stream;
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnSetCallback(unsigned, void *, cudnnCallback_t) { CALL(cudnnStatus_t); return CUDNN_STATUS_SUCCESS; }

EXPORT cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor)
{
    CALL(cudnnStatus_t, type);
    if (!descriptor) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "descriptor is null");
    if (!has_type(type)) return fail(CUDNN_STATUS_NOT_SUPPORTED, "the double has no descriptor of this type");
    auto d = std::make_shared<Descriptor>();
    d->type = type;
    *descriptor = d.get();
    descriptors[d.get()] = d;
    add(kind_of(type).c_str(), d.get());
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto d = find(descriptor);
    CALL_LATE(d ? d->type : -1);
    if (!d)
    {
        misuse("destroys a descriptor that is not live");
        return fail(CUDNN_STATUS_BAD_PARAM, "not a descriptor");
    }
    remove(kind_of(d->type).c_str(), descriptor);
    descriptors.erase(descriptor);
    return (cudnnStatus_t)injected;
}

EXPORT cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void *elements)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto d = find(descriptor);
    std::string values;
    for (int64_t i = 0; elements && i < count && i < 16; i++)
        values += type == CUDNN_TYPE_INT64 ? std::to_string(((const int64_t *)elements)[i]) + " " : type == CUDNN_TYPE_FLOAT ? std::to_string(((const float *)elements)[i]) + " "
            : type == CUDNN_TYPE_DOUBLE ? std::to_string(((const double *)elements)[i]) + " " : type == CUDNN_TYPE_BOOLEAN ? std::to_string(((const char *)elements)[i]) + " "
            : type == CUDNN_TYPE_BACKEND_DESCRIPTOR || type == CUDNN_TYPE_VOID_PTR || type == CUDNN_TYPE_HANDLE ? "ptr " : type == CUDNN_TYPE_CHAR ? "" : std::to_string(((const int *)elements)[i]) + " ";
    CALL(cudnnStatus_t, d ? d->type : -1, "attribute", name, "type", type, "count", count, ":", values);
    if (!d) { misuse("sets an attribute of no descriptor"); return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor"); }
    if (d->finalized) return fail(CUDNN_STATUS_NOT_INITIALIZED, "the descriptor is finalized already");
    const Rule *rule = rule_of(d->type, name);
    if (!rule || !(rule->flags & CanSet)) return fail(CUDNN_STATUS_BAD_PARAM, text("descriptor", d->type, "has no attribute", name, "to set"));
    if (type != rule->type && !((rule->flags & Scalar) && type == CUDNN_TYPE_DOUBLE)) return fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, text("attribute", name, "is of type", rule->type, "not", type));
    if (count < rule->least || count > rule->most) return fail(CUDNN_STATUS_BAD_PARAM, text("attribute", name, "cannot have", count, "elements"));
    if (!elements) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "elements is null");
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) return fail(set_children(*d, *rule, count, elements), text("attribute", name, ": a descriptor is missing, of another type or not finalized"));
    const char *bytes = (const char *)elements;
    if (type == CUDNN_TYPE_BOOLEAN && (unsigned char)*bytes > 1) return fail(CUDNN_STATUS_BAD_PARAM, "a boolean is one byte, 0 or 1");
    d->attributes[name] = {type, count, std::vector<char>(bytes, bytes + (size_t)count * element_size(type))};
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t capacity, int64_t *count, void *elements)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto d = find(descriptor);
    CALL(cudnnStatus_t, d ? d->type : -1, "attribute", name, "type", type, "capacity", capacity);
    if (!d) { misuse("gets an attribute of no descriptor"); return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor"); }
    if (!d->finalized) return fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalized");
    const Rule *rule = rule_of(d->type, name);
    if (!rule || !(rule->flags & CanGet)) return fail(CUDNN_STATUS_BAD_PARAM, text("descriptor", d->type, "has no attribute", name, "to get"));
    if (type != rule->type && !((rule->flags & Scalar) && type == CUDNN_TYPE_DOUBLE)) return fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, text("attribute", name, "is of type", rule->type, "not", type));
    if (capacity > 0 && !elements) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "elements is null");
    return fail(get(*d, *rule, capacity, count, elements), text("attribute", name, "cannot be read"));
}
EXPORT cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto d = find(descriptor);
    CALL(cudnnStatus_t, d ? d->type : -1);
    if (!d) { misuse("finalizes no descriptor"); return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor"); }
    if (d->finalized) return fail(CUDNN_STATUS_BAD_PARAM, "finalized already");
    if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR && part_version("heuristic") == 0) return fail(CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE, "libcudnn_heuristic.so.9 cannot be loaded");
    if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
        for (const char *part : {"engines_precompiled", "engines_runtime_compiled"})
            if (part_version(part) == 0) return fail(CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE, std::string("libcudnn_") + part + ".so.9 cannot be loaded");
    int status = finalize(*d);
    d->finalized = status == 0;
    return fail(status, text("descriptor", d->type, "cannot be finalized"));
}
EXPORT cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t variant_pack)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto p = find(plan), v = find(variant_pack);
    CALL(cudnnStatus_t, p ? p->engine : -1);
    if (!handles.count(handle) || !p || !v || p->type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || v->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "handle, plan or variant pack is none");
    if (!p->finalized || !v->finalized) return fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "plan or variant pack is not finalized");
    if (p->handle != handle) return fail(CUDNN_STATUS_BAD_PARAM, "the plan belongs to another handle");
    if (sticky()) return fail(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the device is in an error state");
    auto ids = v->list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    auto data = v->list<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    void *workspace = v->value<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
    std::map<int64_t, void *> pointers;
    for (size_t i = 0; i < ids.size(); i++) pointers[ids[i]] = data[i];
    auto graph = p->graph;
    for (const Tensor &t : graph->tensors)
    {
        if (t.is_virtual)
        {
            if (pointers.count(t.uid)) return fail(CUDNN_STATUS_BAD_PARAM, "a virtual tensor has a pointer");
            continue;
        }
        if (!pointers.count(t.uid) || !pointers[t.uid]) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, text("tensor", t.uid, "has no pointer"));
        if ((uintptr_t)pointers[t.uid] % (uintptr_t)t.alignment) return fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, text("tensor", t.uid, "is not aligned to", t.alignment));
    }
    if (p->workspace > 0 && !workspace) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the plan needs a workspace");
    int engine = p->engine;
    int64_t bytes = p->workspace;
    static unsigned runs = 0;
    unsigned run = runs++;
    // As on a device: memory is looked at when the kernel runs, and a bad address is an error that stays.
    enqueue(handles[handle].stream, [=] {
        for (const Tensor &t : graph->tensors)
        {
            Type type = Type::F32;
            type_of(t.data, type);
            if (t.is_virtual || on_device(pointers.at(t.uid), (size_t)t.reach() * size_of(type))) continue;
            note(text("tensor", t.uid, "is not, or not wholly, in device memory"));
            return 700;
        }
        if (bytes > 0 && !on_device(workspace, (size_t)bytes)) { note("the workspace is no longer there, or too small"); return 700; }
        // A workspace is written to.
        if (bytes > 0) memset(workspace, 0xEE, (size_t)bytes);
        compute(engine, *graph, pointers, run);
        return 0;
    });
    return CUDNN_STATUS_SUCCESS;
}
