// Whether all of n elements are finite: flags[i] is 0 where those of work-item i are.
__kernel void cpu_finite(__global const T *restrict p, long n, __global int *restrict flags)
{
    long all = get_global_size(0), id = get_global_id(0), end = (id + 1) * n / all;
    int bad = 0;
    for (long i = id * n / all; i < end; i++) bad |= !isfinite(p[i]);
    flags[id] = bad;
}
