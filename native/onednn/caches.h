/*
 * The sizes of an AMD processor's caches where the hypervisor hides them. oneDNN reads CPUID leaf 0x8000001D, takes its zeros for caches of one byte,
 * and then blocks its loops in ways that nobody has tried: reorders and pointwise convolutions come out wrong, or the process ends. The older leaves
 * 0x80000005 and 0x80000006 tell the sizes there, and where they don't, sizes that every such processor has are taken.
 *
 * First of the precompiled headers of every target, so that whoever reads CPUID by <cpuid.h> reads it here. left_out.cpp says that this library has it.
 */
#ifndef CONVNATIVE_CACHES_H
#define CONVNATIVE_CACHES_H
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

static inline void convnative_cpuid(unsigned leaf, unsigned sub, unsigned *r) {
    __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
    if (leaf != 0x8000001Du || (r[0] | r[1] | r[2] | r[3]) != 0 || sub == 1 || sub > 3) return;
    unsigned a, b, c, d, kb, ways = 8, line = 64;
    if (sub == 0) {
        __cpuid_count(0x80000005u, 0, a, b, c, d);
        kb = c >> 24 ? c >> 24 : 32;
    } else {
        __cpuid_count(0x80000006u, 0, a, b, c, d);
        kb = sub == 3 ? 1024 : c >> 16 ? c >> 16 : 512;
    }
    /* Ways and line, each less one; sets less one. */
    r[1] = (ways - 1) << 22 | (line - 1);
    r[2] = kb * 1024 / (ways * line) - 1;
}

#undef __cpuid_count
#define __cpuid_count(leaf, sub, a, b, c, d) \
    do { \
        unsigned convnative_r[4]; \
        convnative_cpuid(leaf, sub, convnative_r); \
        (a) = convnative_r[0]; \
        (b) = convnative_r[1]; \
        (c) = convnative_r[2]; \
        (d) = convnative_r[3]; \
    } while (0)
#endif
#endif
