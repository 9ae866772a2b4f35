// The CUDA runtime's double.
#include "cuda_abi.h"
#include "double.h"
#include <chrono>
#include <map>
#include <memory>

using namespace twin;

namespace {

thread_local int t_last = 0;
thread_local int t_device = 0;

cudaError_t done(int status)
{
    if (status) t_last = status;
    return (cudaError_t)status;
}

struct Event { StreamId stream; uint64_t at; bool timed, recorded; std::shared_ptr<double> when; };
std::map<cudaEvent_t, Event> events;

StreamId id_of(cudaStream_t stream) { return (uintptr_t)stream <= 2 ? 0 : (StreamId)(uintptr_t)stream; }

bool good(cudaStream_t stream) { return stream_exists(id_of(stream)); }

// What every call on the device gives first: no device, no driver, or an error that stays.
int device_state() { return driver_version() == 0 ? 35 : device_count() == 0 ? 100 : sticky(); }

int copy_kind(const void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    if (kind < 0 || kind > 4) return 21;
    bool to_device = on_device(to, bytes), from_device = on_device(from, bytes);
    if (kind == cudaMemcpyHostToDevice && (!to_device || from_device)) return 1;
    if (kind == cudaMemcpyDeviceToHost && (to_device || !from_device)) return 1;
    if (kind == cudaMemcpyDeviceToDevice && !(to_device && from_device)) return 1;
    return 0;
}

// Pinned memory is read and written when the stream comes to it; pageable memory is read now, and written before the call returns.
int copy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, StreamId stream)
{
    if (bytes == 0) return 0;
    if (int bad = copy_kind(to, from, bytes, kind)) return bad;
    bool to_device = on_device(to, bytes), from_device = on_device(from, bytes);
    auto check = [=] { return (to_device && !on_device(to, bytes)) || (from_device && !on_device(from, bytes)); };
    if (!from_device && !pinned(from, bytes))
    {
        auto staged = std::make_shared<std::string>((const char *)from, bytes);
        enqueue(stream, [=] { if (check()) return 700; memcpy(to, staged->data(), bytes); return 0; });
    }
    else enqueue(stream, [=] { if (check()) return 700; memmove(to, from, bytes); return 0; });
    if (!to_device && !pinned(to, bytes)) drain(stream);
    return 0;
}

}

#define RUN(...)                                                                                       \
    std::lock_guard<std::recursive_mutex> guard(mutex());                                              \
    if (int injected = enter(__func__, text(__VA_ARGS__))) return done(injected);                      \
    if (int state = device_state()) return done(state)

EXPORT cudaError_t cudaRuntimeGetVersion(int *version) { CALL(cudaError_t); *version = 12080; return cudaSuccess; }
EXPORT cudaError_t cudaDriverGetVersion(int *version) { CALL(cudaError_t); *version = driver_version(); return cudaSuccess; }

EXPORT const char *cudaGetErrorName(cudaError_t error)
{
    switch ((int)error)
    {
        case 0: return "cudaSuccess";
        case 1: return "cudaErrorInvalidValue";
        case 2: return "cudaErrorMemoryAllocation";
        case 35: return "cudaErrorInsufficientDriver";
        case 100: return "cudaErrorNoDevice";
        case 101: return "cudaErrorInvalidDevice";
        case 400: return "cudaErrorInvalidResourceHandle";
        case 600: return "cudaErrorNotReady";
        case 700: return "cudaErrorIllegalAddress";
        case 719: return "cudaErrorLaunchFailure";
        default: return "cudaErrorUnknown";
    }
}

EXPORT const char *cudaGetErrorString(cudaError_t error)
{
    switch ((int)error)
    {
        case 2: return "out of memory (protocol double)";
        case 35: return "CUDA driver version is insufficient for CUDA runtime version (protocol double)";
        case 100: return "no CUDA-capable device is detected (protocol double)";
        case 700: return "an illegal memory access was encountered (protocol double)";
        default: return "an error of the protocol double";
    }
}

EXPORT cudaError_t cudaGetLastError() { int e = sticky() ? sticky() : t_last; t_last = 0; return (cudaError_t)e; }
EXPORT cudaError_t cudaPeekAtLastError() { return (cudaError_t)(sticky() ? sticky() : t_last); }

EXPORT cudaError_t cudaGetDeviceCount(int *count) { RUN(); *count = device_count(); return cudaSuccess; }
EXPORT cudaError_t cudaGetDevice(int *device) { RUN(); *device = t_device; return cudaSuccess; }
EXPORT cudaError_t cudaSetDevice(int device)
{
    RUN(device);
    if (device < 0 || device >= device_count()) return done(101);
    t_device = device;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attr, int device)
{
    RUN(attr, device);
    if (device < 0 || device >= device_count()) return done(101);
    switch ((int)attr)
    {
        case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
        case cudaDevAttrMaxBlockDimX: *value = 1024; break;
        case cudaDevAttrMaxGridDimX: *value = 0x7fffffff; break;
        case cudaDevAttrMaxGridDimY: case cudaDevAttrMaxGridDimZ: *value = 65535; break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = 49152; break;
        case cudaDevAttrWarpSize: *value = 32; break;
        case cudaDevAttrMultiProcessorCount: *value = 4; break;
        case cudaDevAttrClockRate: *value = 1000000; break;
        case cudaDevAttrMemoryClockRate: *value = 1000000; break;
        case cudaDevAttrGlobalMemoryBusWidth: *value = 256; break;
        case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
        case cudaDevAttrMemoryPoolsSupported: *value = getenv("CONVNATIVE_DOUBLE_NO_POOLS") ? 0 : 1; break;
        case cudaDevAttrUnifiedAddressing: case cudaDevAttrConcurrentKernels: *value = 1; break;
        default: *value = 0;
    }
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetPCIBusId(char *out, int capacity, int device) { RUN(device); snprintf(out, capacity, "0000:0d:%02d.0", device); return cudaSuccess; }
EXPORT cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) { RUN(); *least = 0; *greatest = -5; return cudaSuccess; }
EXPORT cudaError_t cudaDeviceSynchronize() { RUN(); drain_all(); return done(sticky()); }
EXPORT cudaError_t cudaDeviceReset() { CALL(cudaError_t); set_sticky(0); return cudaSuccess; }

EXPORT cudaError_t cudaMalloc(void **pointer, size_t bytes) { RUN(bytes); return done(allocate(pointer, bytes, false)); }
EXPORT cudaError_t cudaFree(void *pointer)
{
    CALL_LATE(pointer);
    drain_all();
    int r = release(pointer);
    return done(injected ? injected : r ? r : device_state());
}
EXPORT cudaError_t cudaMallocHost(void **pointer, size_t bytes) { RUN(bytes); return done(pin(pointer, bytes, true)); }
EXPORT cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned flags) { RUN(bytes, flags); return done(pin(pointer, bytes, true)); }
EXPORT cudaError_t cudaFreeHost(void *pointer) { CALL_LATE(pointer); int r = unpin(pointer, true); return done(injected ? injected : r); }
EXPORT cudaError_t cudaHostRegister(void *pointer, size_t bytes, unsigned flags) { RUN(pointer, bytes, flags); return done(pin(&pointer, bytes, false)); }
EXPORT cudaError_t cudaHostUnregister(void *pointer) { CALL_LATE(pointer); int r = unpin(pointer, false); return done(injected ? injected : r); }
EXPORT cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    RUN();
    *total = memory_limit();
    *free_bytes = memory_limit() > memory_used() ? memory_limit() - memory_used() : 0;
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    RUN(bytes, kind);
    if (int bad = copy(to, from, bytes, kind, 0)) return done(bad);
    drain(0);
    return done(sticky());
}
EXPORT cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    RUN(bytes, kind, stream);
    if (!good(stream)) return done(400);
    return done(copy(to, from, bytes, kind, id_of(stream)));
}
EXPORT cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t stream)
{
    RUN(width, height, kind, stream);
    if (!good(stream)) return done(400);
    if (width > to_pitch || width > from_pitch) return done(1);
    for (size_t y = 0; y < height; y++)
        if (int bad = copy((char *)to + y * to_pitch, (const char *)from + y * from_pitch, width, kind, id_of(stream))) return done(bad);
    return cudaSuccess;
}

static int fill(void *pointer, int value, size_t bytes, StreamId stream)
{
    if (bytes == 0) return 0;
    if (!on_device(pointer, bytes)) return 1;
    enqueue(stream, [=] { if (!on_device(pointer, bytes)) return 700; memset(pointer, value, bytes); return 0; });
    return 0;
}
EXPORT cudaError_t cudaMemset(void *pointer, int value, size_t bytes) { RUN(value, bytes); return done(fill(pointer, value, bytes, 0)); }
EXPORT cudaError_t cudaMemsetAsync(void *pointer, int value, size_t bytes, cudaStream_t stream)
{
    RUN(value, bytes, stream);
    return done(!good(stream) ? 400 : fill(pointer, value, bytes, id_of(stream)));
}
EXPORT cudaError_t cudaMallocAsync(void **pointer, size_t bytes, cudaStream_t stream) { RUN(bytes, stream); return done(!good(stream) ? 400 : allocate(pointer, bytes, true)); }
EXPORT cudaError_t cudaFreeAsync(void *pointer, cudaStream_t stream)
{
    CALL_LATE(pointer, stream);
    if (!good(stream)) return done(400);
    if (pointer && !on_device(pointer, 0))
    {
        misuse("cudaFreeAsync of memory that is not allocated");
        return done(1);
    }
    // In the order of the stream; what another stream still does with it is an error there.
    enqueue(id_of(stream), [=] { return release(pointer); });
    return done(injected);
}
static char s_pool;
EXPORT cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device) { RUN(device); *pool = (cudaMemPool_t)&s_pool; return cudaSuccess; }
EXPORT cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attr, void *value) { RUN(pool == (cudaMemPool_t)&s_pool, attr, value != nullptr); return cudaSuccess; }
EXPORT cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attr, void *value)
{
    RUN(pool == (cudaMemPool_t)&s_pool, attr);
    if (attr >= cudaMemPoolAttrReleaseThreshold) *(uint64_t *)value = attr >= 5 ? pool_used() : 0;
    else *(int *)value = 0;
    return cudaSuccess;
}
EXPORT cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t keep) { RUN(pool == (cudaMemPool_t)&s_pool, keep); drain_all(); return done(sticky()); }

EXPORT cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { RUN(flags); *stream = (cudaStream_t)stream_create((flags & 1) == 0); return cudaSuccess; }
EXPORT cudaError_t cudaStreamCreate(cudaStream_t *stream) { RUN(); *stream = (cudaStream_t)stream_create(true); return cudaSuccess; }
EXPORT cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) { RUN(flags, priority); *stream = (cudaStream_t)stream_create((flags & 1) == 0); return cudaSuccess; }
EXPORT cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    CALL_LATE(stream);
    if (!good(stream) || id_of(stream) == 0) { misuse("cudaStreamDestroy of no stream"); return done(400); }
    stream_destroy(id_of(stream));
    return done(injected);
}
EXPORT cudaError_t cudaStreamSynchronize(cudaStream_t stream) { RUN(stream); if (!good(stream)) return done(400); drain(id_of(stream)); return done(sticky()); }
// Each question lets one piece of work be done, so that asking repeatedly comes to an end.
EXPORT cudaError_t cudaStreamQuery(cudaStream_t stream) { RUN(stream); if (!good(stream)) return done(400); return step(id_of(stream)) ? cudaErrorNotReady : (cudaError_t)done(sticky()); }
EXPORT cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    RUN(stream, event, flags);
    if (!good(stream) || !events.count(event)) return done(400);
    if (events[event].recorded) wait_for(id_of(stream), events[event].stream, events[event].at);
    return cudaSuccess;
}

static cudaError_t make_event(cudaEvent_t *event, unsigned flags)
{
    static uintptr_t next = 0x5000;
    *event = (cudaEvent_t)next++;
    events[*event] = {0, 0, (flags & 2) == 0, false, nullptr};
    add("event", *event);
    return cudaSuccess;
}
EXPORT cudaError_t cudaEventCreate(cudaEvent_t *event) { RUN(); return make_event(event, 0); }
EXPORT cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) { RUN(flags); return make_event(event, flags); }
EXPORT cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    CALL_LATE(event);
    if (!remove("event", event)) return done(400);
    events.erase(event);
    return done(injected);
}
EXPORT cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    RUN(event, stream);
    if (!good(stream) || !events.count(event)) return done(400);
    auto when = std::make_shared<double>(0);
    enqueue(id_of(stream), [=] { *when = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); return 0; });
    Event &e = events[event];
    e = {id_of(stream), position(id_of(stream)), e.timed, true, when};
    return cudaSuccess;
}
EXPORT cudaError_t cudaEventQuery(cudaEvent_t event)
{
    RUN(event);
    if (!events.count(event)) return done(400);
    Event &e = events[event];
    if (!e.recorded || reached(e.stream, e.at)) return done(sticky());
    step(e.stream);
    return cudaErrorNotReady;
}
EXPORT cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    RUN(event);
    if (!events.count(event)) return done(400);
    if (events[event].recorded) run_to(events[event].stream, events[event].at);
    return done(sticky());
}
EXPORT cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    RUN(start, end);
    if (!events.count(start) || !events.count(end)) return done(400);
    Event &a = events[start], &b = events[end];
    if (!a.timed || !b.timed || !a.recorded || !b.recorded) return done(400);
    if (!reached(a.stream, a.at) || !reached(b.stream, b.at)) return done(600);
    *ms = (float)(*b.when - *a.when);
    return cudaSuccess;
}
