// libcudnn.so.9's double: like the real one it holds nothing, and finds its parts by their bare names when a function is first called.
#include "cudnn9_abi.h"
#include <dlfcn.h>

#ifndef CUDNN_DOUBLE_VERSION
#define CUDNN_DOUBLE_VERSION 90800
#endif

// What a matrix row's "cudnn (protocol double)" is decided by.
extern "C"
{
__attribute__((visibility("default"))) int convnative_protocol_double = 1;
}

static void *find(const char *name)
{
    void *graph = dlopen("libcudnn_graph.so.9", RTLD_NOW);
    return graph ? dlsym(graph, name) : nullptr;
}

#define FORWARD(name, parameters, arguments)                                                    \
    extern "C" __attribute__((visibility("default"))) cudnnStatus_t name parameters             \
    {                                                                                           \
        static auto target = (cudnnStatus_t(*) parameters)find(#name);                          \
        return target ? target arguments : CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED;              \
    }

extern "C" __attribute__((visibility("default"))) size_t cudnnGetVersion() { return CUDNN_DOUBLE_VERSION; }
extern "C" __attribute__((visibility("default"))) size_t cudnnGetMaxDeviceVersion() { return 900; }
extern "C" __attribute__((visibility("default"))) size_t cudnnGetCudartVersion() { return 12080; }
extern "C" __attribute__((visibility("default"))) const char *cudnnGetErrorString(cudnnStatus_t status)
{
    auto target = (const char *(*)(cudnnStatus_t))find("cudnnGetErrorString");
    return target ? target(status) : "CUDNN_STATUS_UNKNOWN";
}
extern "C" __attribute__((visibility("default"))) void cudnnGetLastErrorString(char *buffer, size_t capacity)
{
    auto target = (void (*)(char *, size_t))find("cudnnGetLastErrorString");
    if (target) target(buffer, capacity);
    else if (capacity) *buffer = 0;
}
FORWARD(cudnnGetProperty, (libraryPropertyType which, int *value), (which, value))
FORWARD(cudnnGraphVersionCheck, (), ())
FORWARD(cudnnOpsVersionCheck, (), ())
FORWARD(cudnnCnnVersionCheck, (), ())
FORWARD(cudnnCreate, (cudnnHandle_t * handle), (handle))
FORWARD(cudnnDestroy, (cudnnHandle_t handle), (handle))
FORWARD(cudnnSetStream, (cudnnHandle_t handle, cudaStream_t stream), (handle, stream))
FORWARD(cudnnGetStream, (cudnnHandle_t handle, cudaStream_t *stream), (handle, stream))
FORWARD(cudnnSetCallback, (unsigned mask, void *user, cudnnCallback_t callback), (mask, user, callback))
FORWARD(cudnnBackendCreateDescriptor, (cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor), (type, descriptor))
FORWARD(cudnnBackendDestroyDescriptor, (cudnnBackendDescriptor_t descriptor), (descriptor))
FORWARD(cudnnBackendSetAttribute, (cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t n, cudnnBackendAttributeType_t t, int64_t c, const void *e), (d, n, t, c, e))
FORWARD(cudnnBackendGetAttribute, (cudnnBackendDescriptor_t const d, cudnnBackendAttributeName_t n, cudnnBackendAttributeType_t t, int64_t q, int64_t *c, void *e), (d, n, t, q, c, e))
FORWARD(cudnnBackendFinalize, (cudnnBackendDescriptor_t descriptor), (descriptor))
FORWARD(cudnnBackendExecute, (cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack), (handle, plan, pack))
