// What the NVRTC double writes and the driver double loads.
#ifndef CONVNATIVE_DOUBLE_MODULE_H
#define CONVNATIVE_DOUBLE_MODULE_H

#include <stddef.h>
#include <stdint.h>

static const char ModuleMagic[16] = {'C', 'N', '-', 'D', 'O', 'U', 'B', 'L', 'E', '-', 'C', 'U', 'B', 'I', 'N', 0};
struct ModuleHeader { char magic[16]; uint64_t bytes; };

struct LaunchSize { unsigned grid[3], block[3]; };
// Copies the arguments and lists those that are pointers.
typedef void *(*CaptureFunction)(void **params, const void **pointers, int *count);
typedef void (*RunFunction)(void *arguments, const LaunchSize *size);
typedef void (*DropFunction)(void *arguments);

#endif
