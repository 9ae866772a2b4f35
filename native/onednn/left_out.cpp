// Stands in for the sources of oneDNN that trim.cmake leaves out: the engine asks for these lists, and every one is
// empty, so that creating such a primitive gives dnnl_unimplemented.

#include "cpu/cpu_engine.hpp"
#include "cpu/reorder/cpu_reorder.hpp"

namespace dnnl {
namespace impl {
namespace cpu {

#define LEFT_OUT(kind) \
    const impl_list_item_t *get_##kind##_impl_list(const kind##_desc_t *) { \
        static const impl_list_item_t none[] = {nullptr}; \
        return none; \
    }

LEFT_OUT(batch_normalization)
LEFT_OUT(group_normalization)
LEFT_OUT(layer_normalization)
LEFT_OUT(lrn)
LEFT_OUT(prelu)
LEFT_OUT(reduction)
LEFT_OUT(resampling)
LEFT_OUT(rnn)
LEFT_OUT(softmax)

#undef LEFT_OUT

#define LEFT_OUT(types) \
    const impl_list_map_t &regular_##types##_impl_list_map() { \
        static const impl_list_map_t none; \
        return none; \
    }

LEFT_OUT(fp4)
LEFT_OUT(f32_fp8)
LEFT_OUT(fp8)
LEFT_OUT(s4)
LEFT_OUT(u4)

#undef LEFT_OUT

} // namespace cpu
} // namespace impl
} // namespace dnnl

// Says that this library reads the caches' sizes where a hypervisor hides them (caches.h).
extern "C" __attribute__((visibility("default"))) int convnative_knows_caches() {
    return 1;
}
