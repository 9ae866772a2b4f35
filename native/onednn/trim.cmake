# Included by oneDNN's own project() call. When its targets exist, it makes the build cheaper without touching the
# source tree: ONEDNN_ENABLE_PRIMITIVE empties the lists of implementations, but compiles every file all the same.

function(convnative_trim_onednn)
    if(NOT TARGET dnnl_cpu OR NOT TARGET dnnl_common)
        message(FATAL_ERROR "ConvNative: this is not the oneDNN that native/onednn was written for")
    endif()

    target_precompile_headers(dnnl_common PRIVATE
        "${CONVNATIVE_RECIPE}/caches.h"
        "$<$<COMPILE_LANGUAGE:CXX>:algorithm;map;memory;mutex;string;unordered_map;vector>"
        "$<$<COMPILE_LANGUAGE:CXX>:common/c_types_map.hpp;common/dnnl_thread.hpp;common/engine.hpp>"
        "$<$<COMPILE_LANGUAGE:CXX>:common/primitive.hpp;common/primitive_desc.hpp;common/stream.hpp>"
        "$<$<COMPILE_LANGUAGE:CXX>:common/type_helpers.hpp;common/utils.hpp;common/verbose.hpp>")

    # Elsewhere than on x86-64 nobody has tried the rest.
    if(NOT TARGET dnnl_cpu_x64)
        return()
    endif()

    # Primitives, and data types of weights, that ConvNative has no use for. left_out.cpp answers in their place
    # that there is no implementation.
    set(unused "rnn|normalization|lrn|resampling|softmax|prelu|sparse_matmul")
    foreach(target dnnl_cpu dnnl_cpu_x64)
        get_target_property(sources ${target} SOURCES)
        list(FILTER sources EXCLUDE REGEX "/src/cpu/.*(${unused})[^/]*\\.cpp$")
        list(FILTER sources EXCLUDE REGEX "/src/cpu/.*/(${unused})/[^/]*\\.cpp$")
        list(FILTER sources EXCLUDE REGEX "/src/cpu/(x64/(jit_uni_reduction|rnn/)|rnn/|(ref|cpu)_reduction)[^/]*\\.cpp$")
        list(FILTER sources EXCLUDE REGEX "/src/cpu/reorder/cpu_reorder_regular_(fp4|f32_fp8|fp8|s4|u4)\\.cpp$")
        set_property(TARGET ${target} PROPERTY SOURCES ${sources})

        target_precompile_headers(${target} PRIVATE
            "${CONVNATIVE_RECIPE}/caches.h"
            "$<$<COMPILE_LANGUAGE:CXX>:algorithm;cmath;functional;map;memory;mutex;numeric;set;string;vector>"
            "$<$<COMPILE_LANGUAGE:CXX>:common/c_types_map.hpp;common/dnnl_thread.hpp;common/memory_tracking.hpp>"
            "$<$<COMPILE_LANGUAGE:CXX>:common/primitive.hpp;common/type_helpers.hpp;common/utils.hpp>"
            "$<$<COMPILE_LANGUAGE:CXX>:cpu/cpu_primitive.hpp;cpu/x64/jit_generator.hpp>"
            "$<$<COMPILE_LANGUAGE:CXX>:cpu/x64/injectors/jit_uni_postops_injector.hpp>"
            "$<$<COMPILE_LANGUAGE:CXX>:cpu/x64/brgemm/brgemm.hpp;cpu/x64/jit_primitive_conf.hpp>")

        # Files that only write machine code or choose an implementation: they run once a primitive, not once a
        # call, and gcc takes half the time for them at -Og. What loops over data stays at -O1.
        set(written_once ${sources})
        list(FILTER written_once INCLUDE REGEX
            "(_kernel[^/]*|_uker|_post_ops|copy_utils|transpose_utils|injectors/[^/]*|cpu_[a-z_]*_list|reorder/cpu_reorder)\\.cpp$")
        set_source_files_properties(${written_once} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS -Og)
    endforeach()
    target_sources(dnnl_cpu PRIVATE "${CONVNATIVE_RECIPE}/left_out.cpp")
endfunction()

# project() is called once, at the top; subdirectories have their own calls in other releases.
if(CMAKE_CURRENT_SOURCE_DIR STREQUAL CMAKE_SOURCE_DIR)
    set(CONVNATIVE_RECIPE "${CMAKE_CURRENT_LIST_DIR}")
    cmake_language(DEFER CALL convnative_trim_onednn)
endif()
