// For kernels that gather the adjoint of a correlation, after common.cl: what stands between FOR_EACH_READER and END_FOR is done for every tap
// (kd, kh, kw) and every position (pd, ph, pw) of the small side that reads element (d, h, w) of the big side, in one fixed order. The kernel has d, h, w, g
// and mode.

// One axis: A is D, H or W, and the others are its small names.
#define FOR_EACH_READER_OF(A, q, i, e, k, t, p) \
    for (int i = 0, i##_end = SHOWN_COUNT(g[G_Pad##A], g[G_Big##A], g[G_Small##A], g[G_Stride##A], g[G_Kernel##A], g[G_Dilation##A]); i < i##_end; i++) { \
        int e = shown(i, q, g[G_Pad##A], g[G_Big##A], mode); \
        for (int k = 0; k < g[G_Kernel##A] && e >= 0; k++) { \
            int t = e - k * g[G_Dilation##A], p = t / g[G_Stride##A]; \
            if (t < 0 || t % g[G_Stride##A] != 0 || p >= g[G_Small##A]) continue;

#define FOR_EACH_READER FOR_EACH_READER_OF(D, d, id, ed, kd, td, pd) FOR_EACH_READER_OF(H, h, ih, eh, kh, th, ph) FOR_EACH_READER_OF(W, w, iw, ew, kw, tw, pw)
#define END_FOR }}}}}}
