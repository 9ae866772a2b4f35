// A part of the cuDNN double (libcudnn_PART.so.9): it only says its version, which is what a mixture of installs is found by.
#include <stddef.h>

#ifndef CUDNN_DOUBLE_VERSION
#define CUDNN_DOUBLE_VERSION 90800
#endif
#define NAME2(part) convnative_double_version_##part
#define NAME(part) NAME2(part)
extern "C" __attribute__((visibility("default"))) size_t NAME(PART)() { return CUDNN_DOUBLE_VERSION; }
