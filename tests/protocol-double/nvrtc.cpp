// NVRTC's double: hands the program to the machine's C++ compiler, with kernel_shim.h in place of what CUDA predefines.
#include "cuda_abi.h"
#include "double.h"
#include "module.h"
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

using namespace twin;
namespace fs = std::filesystem;

namespace {

struct Program
{
    std::string source, log, module;
    std::map<std::string, std::string> headers;
    bool compiled = false;
};

std::string read(const fs::path &path)
{
    std::ifstream f(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(f), {}};
}

void write(const fs::path &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// The folder of this library: kernel_shim.h and module.h lie in its folder "source", compiled modules are kept in "nvrtc-cache".
fs::path home()
{
    Dl_info info;
    dladdr((void *)&home, &info);
    return fs::path(info.dli_fname).parent_path();
}

// A kernel is `extern "C" __global__ void NAME(`; one whose body has a barrier needs fibers.
std::string kernels(const std::string &source)
{
    std::string lines;
    const std::string mark = "__global__ void ";
    for (size_t at = source.find(mark); at != std::string::npos;)
    {
        size_t name = at + mark.size(), end = source.find('(', name), next = source.find(mark, name);
        bool barrier = source.substr(end, next == std::string::npos ? next : next - end).find("__syncthreads") != std::string::npos;
        lines += "SHIM_KERNEL(" + source.substr(name, end - name) + (barrier ? ", true)\n" : ", false)\n");
        at = next;
    }
    return lines;
}

std::string quoted(const std::string &s)
{
    std::string q = "'";
    for (char c : s) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return q + "'";
}

bool starts(const std::string &s, const char *prefix) { return s.rfind(prefix, 0) == 0; }

// True for the options that NVRTC has and our programs may use; fills in what the C++ compiler gets.
bool option(const std::string &o, std::string &flags)
{
    if (starts(o, "-D")) { flags += " " + quoted(o); return o.size() > 2; }
    if (starts(o, "--define-macro=")) { flags += " -D" + quoted(o.substr(15)); return true; }
    if (starts(o, "--gpu-architecture=sm_") || starts(o, "-arch=sm_") || starts(o, "--gpu-architecture=compute_") || starts(o, "-arch=compute_")) return true;
    if (starts(o, "--std=c++") || starts(o, "-std=c++")) return true;
    for (const char *known : {"--device-as-default-execution-space", "-default-device", "--use_fast_math", "--fmad=true", "--fmad=false", "-fmad=false", "--restrict", "-lineinfo", "--generate-line-info", "-w", "--disable-warnings"})
        if (o == known) return true;
    return false;
}

nvrtcResult compile(Program &p, const std::string &flags)
{
    // The same program is compiled once a machine: the key is all that goes in.
    std::string key = p.source + flags + read(home() / "source" / "kernel_shim.h");
    for (auto &h : p.headers) key += h.first + h.second;
    fs::path cache = home() / "nvrtc-cache", library = cache / (std::to_string(std::hash<std::string>()(key)) + ".so");
    if (!fs::exists(library))
    {
        fs::create_directories(cache);
        char folder[] = "/tmp/convnative-nvrtc-XXXXXX";
        if (!mkdtemp(folder)) return NVRTC_ERROR_INTERNAL_ERROR;
        fs::path work = folder;
        write(work / "program.cpp", "#include \"kernel_shim.h\"\n#line 1 \"program.cu\"\n" + p.source + "\n" + kernels(p.source));
        for (auto &h : p.headers) write(work / h.first, h.second);
        std::string command = "c++ -shared -fPIC -O1 -std=c++17 -Wno-unused -I" + quoted(work) + " -I" + quoted(home() / "source") + flags + " -o " + quoted(work / "out.so") + " " + quoted(work / "program.cpp") + " >" + quoted(work / "log") + " 2>&1";
        int code = system(command.c_str());
        p.log = read(work / "log");
        if (code == 0)
        {
            // Renamed into place: another process may be at the same program.
            fs::path mine = cache / (library.filename().string() + "." + std::to_string(getpid()));
            fs::copy_file(work / "out.so", mine, fs::copy_options::overwrite_existing);
            fs::rename(mine, library);
        }
        fs::remove_all(work);
        if (code != 0) return NVRTC_ERROR_COMPILATION;
    }
    std::string code = read(library);
    ModuleHeader header;
    memcpy(header.magic, ModuleMagic, sizeof header.magic);
    header.bytes = code.size();
    p.module.assign((const char *)&header, sizeof header);
    p.module += code;
    p.compiled = true;
    return NVRTC_SUCCESS;
}

}

#define PROGRAM(p)                                                        \
    if (!live("NVRTC program", p)) return NVRTC_ERROR_INVALID_PROGRAM;    \
    Program &program = *(Program *)p

EXPORT const char *nvrtcGetErrorString(nvrtcResult result)
{
    switch (result)
    {
        case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
        case NVRTC_ERROR_OUT_OF_MEMORY: return "NVRTC_ERROR_OUT_OF_MEMORY";
        case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
        case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
        case NVRTC_ERROR_BUILTIN_OPERATION_FAILURE: return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
        default: return "NVRTC_ERROR_INTERNAL_ERROR";
    }
}
EXPORT nvrtcResult nvrtcVersion(int *major, int *minor) { CALL(nvrtcResult); *major = 12; *minor = 8; return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int *count) { CALL(nvrtcResult); *count = 3; return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcGetSupportedArchs(int *archs) { CALL(nvrtcResult); archs[0] = 75; archs[1] = 80; archs[2] = 90; return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcCreateProgram(nvrtcProgram *out, const char *source, const char *name, int count, const char *const *headers, const char *const *names)
{
    CALL(nvrtcResult, name ? name : "(no name)", count);
    if (!out || !source || count < 0) return NVRTC_ERROR_INVALID_INPUT;
    Program *p = new Program;
    p->source = source;
    for (int i = 0; i < count; i++) p->headers[names[i]] = headers[i];
    add("NVRTC program", p);
    *out = (nvrtcProgram)p;
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program)
{
    CALL_LATE(program && *program);
    if (!program || !remove("NVRTC program", *program)) return NVRTC_ERROR_INVALID_PROGRAM;
    delete (Program *)*program;
    *program = nullptr;
    return (nvrtcResult)injected;
}
EXPORT nvrtcResult nvrtcCompileProgram(nvrtcProgram handle, int count, const char *const *options)
{
    std::string flags, all;
    for (int i = 0; i < count; i++) all += std::string(options[i]) + " ";
    CALL(nvrtcResult, all);
    PROGRAM(handle);
    for (int i = 0; i < count; i++)
        if (!option(options[i], flags))
        {
            program.log = std::string("nvrtc: error: unrecognized option ") + options[i] + " found";
            return NVRTC_ERROR_INVALID_OPTION;
        }
    return compile(program, flags);
}
EXPORT nvrtcResult nvrtcGetPTXSize(nvrtcProgram handle, size_t *bytes) { CALL(nvrtcResult); PROGRAM(handle); *bytes = program.module.size(); return program.compiled ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM; }
EXPORT nvrtcResult nvrtcGetPTX(nvrtcProgram handle, char *out) { CALL(nvrtcResult); PROGRAM(handle); memcpy(out, program.module.data(), program.module.size()); return program.compiled ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM; }
EXPORT nvrtcResult nvrtcGetCUBINSize(nvrtcProgram handle, size_t *bytes) { CALL(nvrtcResult); PROGRAM(handle); *bytes = program.module.size(); return program.compiled ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM; }
EXPORT nvrtcResult nvrtcGetCUBIN(nvrtcProgram handle, char *out) { CALL(nvrtcResult); PROGRAM(handle); memcpy(out, program.module.data(), program.module.size()); return program.compiled ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM; }
EXPORT nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram handle, size_t *bytes) { CALL(nvrtcResult); PROGRAM(handle); *bytes = program.log.size() + 1; return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcGetProgramLog(nvrtcProgram handle, char *out) { CALL(nvrtcResult); PROGRAM(handle); memcpy(out, program.log.c_str(), program.log.size() + 1); return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcAddNameExpression(nvrtcProgram, const char *const expression) { CALL(nvrtcResult, expression); return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID; }
EXPORT nvrtcResult nvrtcGetLoweredName(nvrtcProgram, const char *const expression, const char **) { CALL(nvrtcResult, expression); return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID; }
