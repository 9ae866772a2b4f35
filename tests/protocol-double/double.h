// What the libraries of the protocol double share: call log, failures on request, ledger of live objects, device memory, streams.
#ifndef CONVNATIVE_DOUBLE_H
#define CONVNATIVE_DOUBLE_H

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace twin {

std::recursive_mutex &mutex();

// Logs a call and gives the status with which it is to fail, or 0.
int enter(const char *function, const std::string &arguments);
// Adds a line to the log that belongs to no call.
void note(const std::string &line);
// A call that breaks the API's rules in a way that a real library need not notice: counted, and tests want none.
void misuse(const std::string &what);

template <typename... A> std::string text(const A &...a)
{
    std::ostringstream s;
    ((s << a << ' '), ...);
    return s.str();
}

// The ledger. remove gives false for an object that is not live.
void add(const char *kind, const void *object);
bool remove(const char *kind, const void *object);
bool live(const char *kind, const void *object);

// Device memory. Fresh memory is all ones (NaN in every floating type); bands around it are checked when it is freed.
int allocate(void **pointer, size_t bytes, bool pooled);
int release(void *pointer);
bool on_device(const void *pointer, size_t bytes);
bool pinned(const void *pointer, size_t bytes);
int pin(void **pointer, size_t bytes, bool ours);
int unpin(void *pointer, bool ours);
size_t memory_used();
size_t memory_limit();
size_t pool_used();

// Streams are numbered; 0 is the legacy default stream. Work is queued, and done when somebody waits for it.
typedef uint64_t StreamId;
StreamId stream_create(bool blocking);
bool stream_exists(StreamId id);
void stream_destroy(StreamId id);
// Something that can fail later: the error shows at the next synchronisation, and stays.
void enqueue(StreamId id, std::function<int()> work);
void drain(StreamId id);
void drain_all();
// Position after the last piece of work; wait makes later work of `id` follow that position.
uint64_t position(StreamId id);
bool reached(StreamId id, uint64_t at);
void run_to(StreamId id, uint64_t at);
void wait_for(StreamId id, StreamId other, uint64_t at);
bool step(StreamId id);
int sticky();
void set_sticky(int error);

int device_count();
int driver_version();

}

// First statement of a function that may be told to fail.
#define CALL(type, ...)                                                                \
    std::lock_guard<std::recursive_mutex> guard(twin::mutex());                        \
    if (int injected = twin::enter(__func__, twin::text(__VA_ARGS__))) return (type)injected

// The same for a function that destroys: it destroys in any case, then reports the failure.
#define CALL_LATE(...)                                          \
    std::lock_guard<std::recursive_mutex> guard(twin::mutex()); \
    int injected = twin::enter(__func__, twin::text(__VA_ARGS__))

#endif
