#!/usr/bin/env bash
# oneDNN computes wrong results, without an error, on an AMD processor whose hypervisor hides the caches.
#
# Debian 13's libdnnl3.6, version 3.7.2+ds-2, on a Zen 5 guest (Firecracker) on 2026-11-30. Some hypervisors answer CPUID leaf 0x8000001D (AMD's cache
# topology) with zeros. /proc/cpuinfo still has a cache size there (the kernel takes it from an older leaf), but /sys/devices/system/cpu/cpu0/cache is
# empty. oneDNN adds one to each zero field and multiplies: caches of one byte. Loops are then blocked for that, which nobody has tried: the reorder
# "jit:uni" loses elements of small blocked weights, so that 8-bit, grouped pointwise and transposed convolutions come out wrong; pointwise convolutions
# between some channel counts end the process while they are described. With ONEDNN_MAX_CPU_ISA=AVX2 or SSE41 it is the same.
# What helps: ask for the leaf before oneDNN is used, and use another library (or a build of oneDNN
# that takes leaves 0x80000005 and 0x80000006) where it is all zeros.
#
# The convolution here: u8 1 2 3 4 5 with s8 kernels 1 2 3 and 4 5 6, into s32. Right is 14 20 26 and 32 47 62.
# Seen on such a guest: oneDNN 3.7.2, jit_int8 or brg_conv: 1 2 3 and 4 8 12 (only the first tap counts). Elsewhere: right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in cc dpkg-deb apt-get; do command -v $tool >/dev/null || { echo "this needs $tool" >&2; exit 2; }; done

mkdir -p "$work"/{lists/partial,cache/archives/partial,sources,root}
base=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/[^/']*/\(In\)\?Release'.*|\1|p" | grep -v security | head -n 1)
printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nTrusted: yes\n' "$base" >"$work/sources/trixie.sources"
apt=(-qq -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources")
(cd "$work" && apt-get "${apt[@]}" update && apt-get "${apt[@]}" download libdnnl3.6=3.7.2+ds-2 libdnnl-dev=3.7.2+ds-2 libc6 libgomp1 libstdc++6 libgcc-s1) </dev/null
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
libs=$work/root/usr/lib/x86_64-linux-gnu

cat >"$work/probe.c" <<'C'
#include <cpuid.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    unsigned a, b, c, d, vendor[3];
    __cpuid_count(0, 0, a, vendor[0], vendor[2], vendor[1]);
    __cpuid_count(0x8000001Du, 0, a, b, c, d);
    int hidden = !memcmp(vendor, "AuthenticAMD", 12) && !(a | b | c | d);
    unsigned char x[] = {1, 2, 3, 4, 5};
    signed char w[] = {1, 2, 3, 4, 5, 6};
    int y[6] = {0};
    const int right[] = {14, 20, 26, 32, 47, 62};
    dnnl_dims_t xs = {1, 1, 1, 5}, ys = {1, 2, 1, 3}, ws = {2, 1, 1, 3}, ones = {1, 1}, none = {0, 0};
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_desc_t xd, yd, plain, any;
    dnnl_primitive_desc_t conv, copy;
    dnnl_primitive_t run, move;
    dnnl_memory_t xm, ym, wm, pm;
    const char *name;
    dnnl_engine_create(&engine, dnnl_cpu, 0);
    dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    dnnl_memory_desc_create_with_tag(&xd, 4, xs, dnnl_u8, dnnl_nhwc);
    dnnl_memory_desc_create_with_tag(&plain, 4, ws, dnnl_s8, dnnl_oihw);
    dnnl_memory_desc_create_with_tag(&any, 4, ws, dnnl_s8, dnnl_format_tag_any);
    dnnl_memory_desc_create_with_tag(&yd, 4, ys, dnnl_s32, dnnl_nhwc);
    if (dnnl_convolution_forward_primitive_desc_create(&conv, engine, dnnl_forward_inference, dnnl_convolution_direct, xd, any, 0, yd, ones, none, none, none, 0)) return 2;
    const_dnnl_memory_desc_t wd = dnnl_primitive_desc_query_md(conv, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_query(conv, dnnl_query_impl_info_str, 0, &name);
    dnnl_memory_create(&xm, xd, engine, x);
    dnnl_memory_create(&ym, yd, engine, y);
    dnnl_memory_create(&pm, plain, engine, w);
    dnnl_memory_create(&wm, wd, engine, DNNL_MEMORY_ALLOCATE);
    dnnl_reorder_primitive_desc_create(&copy, plain, engine, wd, engine, 0);
    dnnl_primitive_create(&move, copy);
    dnnl_primitive_create(&run, conv);
    dnnl_exec_arg_t m[] = {{DNNL_ARG_FROM, pm}, {DNNL_ARG_TO, wm}}, r[] = {{DNNL_ARG_SRC, xm}, {DNNL_ARG_WEIGHTS, wm}, {DNNL_ARG_DST, ym}};
    dnnl_primitive_execute(move, stream, 2, m);
    dnnl_primitive_execute(run, stream, 3, r);
    dnnl_stream_wait(stream);
    int wrong = 0;
    for (int i = 0; i < 6; i++) wrong |= y[i % 3 * 2 + i / 3] != right[i];
    printf("oneDNN %d.%d.%d, %s: %d %d %d and %d %d %d; caches %s\n", dnnl_version()->major, dnnl_version()->minor, dnnl_version()->patch, name,
        y[0], y[2], y[4], y[1], y[3], y[5], hidden ? "hidden" : "told");
    return wrong != hidden;
}
C
cc "$work/probe.c" -o "$work/probe" -I"$work/root/usr/include" -I"$work/root/usr/include/x86_64-linux-gnu" -L"$libs" -l:libdnnl.so.3.6 -Wl,--allow-shlib-undefined
"$libs/ld-linux-x86-64.so.2" --library-path "$libs:$work/root/lib/x86_64-linux-gnu" "$work/probe"
