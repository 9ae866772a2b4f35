// Lets g++ compile our CUDA kernels for the CPU: one thread after the other, or as fibers where a kernel has __syncthreads.
#ifndef CONVNATIVE_KERNEL_SHIM_H
#define CONVNATIVE_KERNEL_SHIM_H

#include "module.h"
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
// Blocks run one after the other, so what a block shares may be static.
#define __shared__ static

struct ShimIndex { unsigned x, y, z; };
static ShimIndex threadIdx, blockIdx, blockDim, gridDim;

static inline float atomicAdd(float *p, float v) { float old = *p; *p += v; return old; }
static inline double atomicAdd(double *p, double v) { double old = *p; *p += v; return old; }

struct ShimFiber { ucontext_t context; std::vector<char> stack; ShimIndex index; bool finished; };
static ucontext_t s_shim_main;
static std::vector<ShimFiber> s_shim_fibers;
static size_t s_shim_current;
static void (*s_shim_body)(void *);
static void *s_shim_arguments;

static inline void __syncthreads()
{
    swapcontext(&s_shim_fibers[s_shim_current].context, &s_shim_main);
    threadIdx = s_shim_fibers[s_shim_current].index;
}

static void shim_entry()
{
    s_shim_body(s_shim_arguments);
    s_shim_fibers[s_shim_current].finished = true;
    swapcontext(&s_shim_fibers[s_shim_current].context, &s_shim_main);
}

static void shim_block_of_fibers()
{
    // Stacks are kept from block to block.
    s_shim_fibers.resize((size_t)blockDim.x * blockDim.y * blockDim.z);
    size_t i = 0;
    for (unsigned z = 0; z < blockDim.z; z++)
        for (unsigned y = 0; y < blockDim.y; y++)
            for (unsigned x = 0; x < blockDim.x; x++, i++)
            {
                ShimFiber &f = s_shim_fibers[i];
                f.index = {x, y, z};
                f.stack.resize(64 << 10);
                f.finished = false;
                getcontext(&f.context);
                f.context.uc_stack.ss_sp = f.stack.data();
                f.context.uc_stack.ss_size = f.stack.size();
                f.context.uc_link = &s_shim_main;
                makecontext(&f.context, shim_entry, 0);
            }
    // Every thread runs to its next barrier. A barrier that only some threads reach hangs a GPU: here it is an abort.
    for (size_t left = s_shim_fibers.size(); left > 0;)
    {
        size_t finished = 0, running = 0;
        for (s_shim_current = 0; s_shim_current < s_shim_fibers.size(); s_shim_current++)
        {
            ShimFiber &f = s_shim_fibers[s_shim_current];
            if (f.finished) continue;
            threadIdx = f.index;
            swapcontext(&s_shim_main, &f.context);
            if (f.finished) finished++;
            else running++;
        }
        if (finished && running) abort();
        left -= finished;
    }
}

static void shim_launch(const LaunchSize *size, bool fibers, void (*body)(void *), void *arguments)
{
    gridDim = {size->grid[0], size->grid[1], size->grid[2]};
    blockDim = {size->block[0], size->block[1], size->block[2]};
    s_shim_body = body;
    s_shim_arguments = arguments;
    for (unsigned z = 0; z < gridDim.z; z++)
        for (unsigned y = 0; y < gridDim.y; y++)
            for (unsigned x = 0; x < gridDim.x; x++)
            {
                blockIdx = {x, y, z};
                if (fibers)
                {
                    shim_block_of_fibers();
                    continue;
                }
                for (unsigned tz = 0; tz < blockDim.z; tz++)
                    for (unsigned ty = 0; ty < blockDim.y; ty++)
                        for (unsigned tx = 0; tx < blockDim.x; tx++)
                        {
                            threadIdx = {tx, ty, tz};
                            body(arguments);
                        }
            }
}

template <typename F> struct ShimKernel;
template <typename... A> struct ShimKernel<void (*)(A...)>
{
    typedef std::tuple<typename std::remove_cv<A>::type...> Arguments;

    template <size_t... I> static Arguments *read(void **params, const void **pointers, int *count, std::index_sequence<I...>)
    {
        Arguments *a = new Arguments(*(typename std::remove_cv<A>::type *)params[I]...);
        *count = 0;
        (list(std::get<I>(*a), pointers, count), ...);
        return a;
    }
    template <typename T> static void list(T v, const void **pointers, int *count)
    {
        if constexpr (std::is_pointer<T>::value) pointers[(*count)++] = (const void *)v;
    }
    static void *capture(void **params, const void **pointers, int *count) { return read(params, pointers, count, std::index_sequence_for<A...>()); }
    template <void (*K)(A...)> static void call(void *arguments) { std::apply(K, *(Arguments *)arguments); }
    template <void (*K)(A...)> static void run(void *arguments, const LaunchSize *size, bool fibers) { shim_launch(size, fibers, call<K>, arguments); }
    static void drop(void *arguments) { delete (Arguments *)arguments; }
};

#define SHIM_KERNEL(name, fibers)                                                                                                                              \
    extern "C" void *cn_capture_##name(void **p, const void **pointers, int *count) { return ShimKernel<decltype(&name)>::capture(p, pointers, count); }       \
    extern "C" void cn_run_##name(void *a, const LaunchSize *size) { ShimKernel<decltype(&name)>::run<name>(a, size, fibers); }                                \
    extern "C" void cn_drop_##name(void *a) { ShimKernel<decltype(&name)>::drop(a); }

#endif
