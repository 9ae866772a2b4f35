// The CUDA driver's double. A module is what the NVRTC double made: a header, then a shared object for the CPU.
#include "cuda_abi.h"
#include "double.h"
#include "module.h"
#include <dlfcn.h>
#include <map>
#include <memory>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

using namespace twin;

namespace {

// The file descriptor stays open: the loader knows libraries by their paths, and a number used again would be the same path.
struct Module { void *library; int fd; };
struct Function { Module *module; std::string name; };
std::map<Module *, std::unique_ptr<Module>> modules;
std::map<Function *, std::unique_ptr<Function>> functions;
thread_local CUcontext t_context = nullptr;
char s_context;

int state() { return driver_version() == 0 ? 3 : device_count() == 0 ? 100 : sticky(); }
StreamId id_of(CUstream stream) { return (uintptr_t)stream <= 2 ? 0 : (StreamId)(uintptr_t)stream; }

int load(CUmodule *out, const void *image)
{
    const ModuleHeader *header = (const ModuleHeader *)image;
    if (!image) return 1;
    if (memcmp(header->magic, ModuleMagic, sizeof header->magic) != 0) return 200;
    int fd = memfd_create("convnative-double-module", 0);
    const char *code = (const char *)(header + 1);
    for (size_t at = 0; at < header->bytes;)
    {
        ssize_t n = write(fd, code + at, header->bytes - at);
        if (n <= 0) return 999;
        at += (size_t)n;
    }
    void *library = dlopen(("/proc/self/fd/" + std::to_string(fd)).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) note(text("dlopen:", dlerror()));
    if (!library)
    {
        close(fd);
        return 200;
    }
    auto module = std::make_unique<Module>(Module{library, fd});
    *out = (CUmodule)module.get();
    add("module", module.get());
    modules[module.get()] = std::move(module);
    return 0;
}

}

#define RUN(...)                  \
    CALL(CUresult, __VA_ARGS__);  \
    if (int error = state()) return (CUresult)error

EXPORT CUresult cuInit(unsigned flags) { CALL(CUresult, flags); int e = state(); return (CUresult)(e == 3 ? 0 : e); }
EXPORT CUresult cuDriverGetVersion(int *version) { CALL(CUresult); *version = driver_version(); return CUDA_SUCCESS; }
EXPORT CUresult cuGetErrorName(CUresult error, const char **name)
{
    switch ((int)error)
    {
        case 0: *name = "CUDA_SUCCESS"; break;
        case 1: *name = "CUDA_ERROR_INVALID_VALUE"; break;
        case 2: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
        case 100: *name = "CUDA_ERROR_NO_DEVICE"; break;
        case 200: *name = "CUDA_ERROR_INVALID_IMAGE"; break;
        case 500: *name = "CUDA_ERROR_NOT_FOUND"; break;
        default: *name = nullptr; return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGetErrorString(CUresult error, const char **words) { (void)error; *words = "an error of the protocol double"; return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetCount(int *count) { CALL(CUresult); *count = device_count(); return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) { RUN(ordinal); if (ordinal >= device_count()) return CUDA_ERROR_INVALID_DEVICE; *device = ordinal; return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetName(char *name, int capacity, CUdevice device) { RUN(device); snprintf(name, capacity, "Protocol Double %d", device); return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) { RUN(device); memset(uuid, 0xD0 + device, sizeof *uuid); return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) { RUN(device); *bytes = memory_limit(); return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attr, CUdevice device)
{
    RUN(attr, device);
    *value = attr == 75 ? 9 : attr == 16 ? 4 : attr == 97 ? 49152 : 0;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) { RUN(device); *context = (CUcontext)&s_context; return CUDA_SUCCESS; }
EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) { CALL(CUresult, device); return CUDA_SUCCESS; }
EXPORT CUresult cuCtxSetCurrent(CUcontext context) { RUN(context != nullptr); t_context = context; return CUDA_SUCCESS; }
EXPORT CUresult cuCtxGetCurrent(CUcontext *context) { RUN(); *context = t_context; return CUDA_SUCCESS; }
EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) { RUN(context != nullptr); t_context = context; return CUDA_SUCCESS; }
EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) { RUN(); *context = t_context; t_context = nullptr; return CUDA_SUCCESS; }
EXPORT CUresult cuCtxSynchronize() { RUN(); drain_all(); return (CUresult)sticky(); }

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) { RUN(); return (CUresult)load(module, image); }
EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *, void **) { RUN(count); return (CUresult)load(module, image); }
EXPORT CUresult cuModuleUnload(CUmodule module)
{
    CALL_LATE(module);
    Module *m = (Module *)module;
    if (!remove("module", m)) return CUDA_ERROR_INVALID_HANDLE;
    drain_all();
    for (auto it = functions.begin(); it != functions.end();) it = it->second->module == m ? functions.erase(it) : std::next(it);
    dlclose(m->library);
    close(m->fd);
    modules.erase(m);
    return (CUresult)injected;
}
EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    RUN(name);
    Module *m = (Module *)module;
    if (!live("module", m)) return CUDA_ERROR_INVALID_HANDLE;
    if (!dlsym(m->library, (std::string("cn_run_") + name).c_str())) return CUDA_ERROR_NOT_FOUND;
    auto f = std::make_unique<Function>(Function{m, name});
    *function = (CUfunction)f.get();
    functions[f.get()] = std::move(f);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *, size_t *, CUmodule, const char *name) { RUN(name); return CUDA_ERROR_NOT_FOUND; }
EXPORT CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attr, CUfunction) { RUN(attr); *value = attr == 0 ? 1024 : attr == 3 ? 32 : 0; return CUDA_SUCCESS; }
EXPORT CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute attr, int value) { RUN(attr, value); return CUDA_SUCCESS; }
EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction, int size, size_t shared) { RUN(size, shared); *blocks = 2048 / size; return CUDA_SUCCESS; }

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params, void **extra)
{
    std::lock_guard<std::recursive_mutex> early(mutex());
    auto it = functions.find((Function *)function);
    RUN(it == functions.end() ? "?" : it->second->name, gx, gy, gz, bx, by, bz, shared, stream);
    if (it == functions.end() || !stream_exists(id_of(stream))) return CUDA_ERROR_INVALID_HANDLE;
    if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || gx > 0x7fffffffu || !bx || !by || !bz || (uint64_t)bx * by * bz > 1024 || extra) return CUDA_ERROR_INVALID_VALUE;
    std::string name = it->second->name;
    void *library = it->second->module->library;
    auto capture = (CaptureFunction)dlsym(library, ("cn_capture_" + name).c_str());
    auto run = (RunFunction)dlsym(library, ("cn_run_" + name).c_str());
    auto drop = (DropFunction)dlsym(library, ("cn_drop_" + name).c_str());
    // The arguments are copied now, as the driver does it; what they point to is looked at when the kernel runs.
    std::vector<const void *> pointers(64);
    int count = 0;
    std::shared_ptr<void> arguments(capture(params, pointers.data(), &count), drop);
    pointers.resize((size_t)count);
    LaunchSize size{{gx, gy, gz}, {bx, by, bz}};
    enqueue(id_of(stream), [=] {
        for (const void *p : pointers)
            if (p && !on_device(p, 1))
            {
                note(text("kernel", name, "was given a pointer that is no device memory:", p));
                return 700;
            }
        run(arguments.get(), &size);
        return 0;
    });
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes)
{
    RUN(bytes);
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    void *p;
    int e = allocate(&p, bytes, false);
    *pointer = (CUdeviceptr)p;
    return (CUresult)e;
}
EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer) { CALL_LATE(pointer); drain_all(); int e = release((void *)pointer); return (CUresult)(injected ? injected : e); }
EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total) { RUN(); *total = memory_limit(); *free_bytes = memory_limit() - memory_used(); return CUDA_SUCCESS; }
EXPORT CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream)
{
    RUN(value, count, stream);
    if (!on_device((void *)to, count * 4)) return CUDA_ERROR_INVALID_VALUE;
    enqueue(id_of(stream), [=] { for (size_t i = 0; i < count; i++) ((unsigned *)to)[i] = value; return 0; });
    return CUDA_SUCCESS;
}
