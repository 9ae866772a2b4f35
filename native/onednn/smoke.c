/* Built and run once after oneDNN was built: one convolution through the C API, its answer compared with loops
   written here. Exits with 0 when every element is exactly right (small integers: there is no rounding). */
#include <stdio.h>
#include <stdlib.h>
#include <oneapi/dnnl/dnnl.h>

#define CHECK(call) \
    do { \
        dnnl_status_t status_ = (call); \
        if (status_ != dnnl_success) { \
            fprintf(stderr, "smoke: %s: status %d\n", #call, (int)status_); \
            exit(1); \
        } \
    } while (0)

enum { N = 2, IC = 3, IH = 7, IW = 9, OC = 5, KH = 3, KW = 2, SH = 2, SW = 1, PT = 1, PL = 0, PB = 0, PR = 1 };
enum { OH = (IH + PT + PB - KH) / SH + 1, OW = (IW + PL + PR - KW) / SW + 1 };

static float x[N * IC * IH * IW], w[OC * IC * KH * KW], b[OC], y[N * OC * OH * OW];

static void fill(float *values, int count, int seed) {
    for (int i = 0; i < count; i++) values[i] = (float)((i * 7 + seed) % 11 - 5);
}

int main(void) {
    fill(x, N * IC * IH * IW, 1);
    fill(w, OC * IC * KH * KW, 2);
    fill(b, OC, 3);

    dnnl_dims_t xd = {N, IC, IH, IW}, wd = {OC, IC, KH, KW}, bd = {OC}, yd = {N, OC, OH, OW};
    dnnl_dims_t strides = {SH, SW}, dilates = {0, 0}, begin = {PT, PL}, end = {PB, PR};
    dnnl_memory_desc_t xm, wm, bm, ym;
    CHECK(dnnl_memory_desc_create_with_tag(&xm, 4, xd, dnnl_f32, dnnl_nchw));
    CHECK(dnnl_memory_desc_create_with_tag(&wm, 4, wd, dnnl_f32, dnnl_oihw));
    CHECK(dnnl_memory_desc_create_with_tag(&bm, 1, bd, dnnl_f32, dnnl_a));
    CHECK(dnnl_memory_desc_create_with_tag(&ym, 4, yd, dnnl_f32, dnnl_nchw));

    dnnl_engine_t engine;
    dnnl_stream_t stream;
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t conv;
    CHECK(dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference, dnnl_convolution_direct,
            xm, wm, bm, ym, strides, dilates, begin, end, NULL));
    CHECK(dnnl_primitive_create(&conv, pd));

    dnnl_exec_arg_t args[4] = {{DNNL_ARG_SRC, NULL}, {DNNL_ARG_WEIGHTS, NULL}, {DNNL_ARG_BIAS, NULL}, {DNNL_ARG_DST, NULL}};
    CHECK(dnnl_memory_create(&args[0].memory, xm, engine, x));
    CHECK(dnnl_memory_create(&args[1].memory, wm, engine, w));
    CHECK(dnnl_memory_create(&args[2].memory, bm, engine, b));
    CHECK(dnnl_memory_create(&args[3].memory, ym, engine, y));
    CHECK(dnnl_primitive_execute(conv, stream, 4, args));
    CHECK(dnnl_stream_wait(stream));

    int wrong = 0;
    for (int n = 0; n < N; n++)
        for (int o = 0; o < OC; o++)
            for (int i = 0; i < OH; i++)
                for (int j = 0; j < OW; j++) {
                    float sum = b[o];
                    for (int c = 0; c < IC; c++)
                        for (int k = 0; k < KH; k++)
                            for (int l = 0; l < KW; l++) {
                                int h = i * SH - PT + k, v = j * SW - PL + l;
                                if (h < 0 || h >= IH || v < 0 || v >= IW) continue;
                                sum += x[((n * IC + c) * IH + h) * IW + v] * w[((o * IC + c) * KH + k) * KW + l];
                            }
                    wrong += y[((n * OC + o) * OH + i) * OW + j] != sum;
                }

    const dnnl_version_t *version = dnnl_version();
    printf("oneDNN %d.%d.%d: %d of %d elements wrong\n", version->major, version->minor, version->patch, wrong,
            N * OC * OH * OW);
    return wrong != 0;
}
