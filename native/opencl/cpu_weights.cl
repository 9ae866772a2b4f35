// Weights for cpu_blocked: [phase][group][block of output channels][tap][run][lane], lanes past the last channel zero; and the sums' first
// values, [group][block][lane], from the bias.
enum { GROUPS, BLOCKS, WIDTH, CHANNELS, PHASES, W_GROUP, W_CHANNEL, PHASE_TABLE };
enum { TAPS, RUN, RUN_STEP, TAP_TABLE, PLACE, PHASE_SIZE };

__kernel void cpu_weights(__global const T *restrict w, __global const T *restrict bias, __global T *restrict packed, __global T *restrict init, __global const long *restrict g)
{
    long id = get_global_id(0), width = g[WIDTH];
    if (id >= g[GROUPS] * g[BLOCKS] * width) return;
    int lane = id % width, block = id / width % g[BLOCKS], o = block * width + lane;
    long group = id / width / g[BLOCKS];
    int valid = o < g[CHANNELS];
    init[id] = valid && bias ? bias[group * g[CHANNELS] + o] : 0;
    for (int phase = 0; phase < g[PHASES]; phase++)
    {
        __global const long *p = g + g[PHASE_TABLE] + phase * PHASE_SIZE, *taps = g + p[TAP_TABLE];
        __global T *to = packed + p[PLACE] + (group * g[BLOCKS] + block) * p[TAPS] * p[RUN] * width + lane;
        __global const T *from = w + group * g[W_GROUP] + o * g[W_CHANNEL];
        for (int t = 0; t < p[TAPS]; t++)
            for (int e = 0; e < p[RUN]; e++, to += width) *to = valid ? from[taps[t] + e * p[RUN_STEP]] : 0;
    }
}
