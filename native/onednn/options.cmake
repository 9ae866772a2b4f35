# Initial cache (cmake -C) of the oneDNN build: only what ConvNative calls.

set(CMAKE_BUILD_TYPE Release CACHE STRING "")
# The kernels are generated at run time, so the compiler's effort hardly shows in their speed, and -O1 halves the
# time of the build. Warnings are upstream's affair, and the analyses behind them are not free.
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -DNDEBUG -w -pipe" CACHE STRING "")
set(CMAKE_C_FLAGS_RELEASE "-O1 -DNDEBUG -w -pipe" CACHE STRING "")
# A source left out by mistake must fail here, not at a user's first call.
if(NOT APPLE)
    set(CMAKE_SHARED_LINKER_FLAGS "-Wl,-z,defs" CACHE STRING "")
endif()
set(CMAKE_INSTALL_LIBDIR lib CACHE STRING "")

set(ONEDNN_CPU_RUNTIME OMP CACHE STRING "")
set(ONEDNN_GPU_RUNTIME NONE CACHE STRING "")
set(ONEDNN_BUILD_DOC OFF CACHE BOOL "")
set(ONEDNN_BUILD_EXAMPLES OFF CACHE BOOL "")
set(ONEDNN_BUILD_GRAPH OFF CACHE BOOL "")
set(ONEDNN_BUILD_TESTS OFF CACHE BOOL "")
set(ONEDNN_ENABLE_GEMM_KERNELS_ISA NONE CACHE STRING "")
set(ONEDNN_ENABLE_ITT_TASKS OFF CACHE BOOL "")
set(ONEDNN_ENABLE_JIT_PROFILING OFF CACHE BOOL "")
set(ONEDNN_ENABLE_PRIMITIVE
    "CONVOLUTION;DECONVOLUTION;REORDER;MATMUL;INNER_PRODUCT;BINARY;ELTWISE;SHUFFLE;POOLING;CONCAT;SUM"
    CACHE STRING "")

set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_DIR}/trim.cmake" CACHE FILEPATH "")
