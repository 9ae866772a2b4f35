// Shared state of the protocol double, and what tests control it by (the functions convnative_double_*).
#include "double.h"
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>

namespace twin {

namespace {

constexpr size_t Band = 256;
constexpr unsigned char BandByte = 0xA5, Fresh = 0xFF;
constexpr int OutOfMemory = 2, InvalidValue = 1, IllegalAddress = 700;

struct Block { std::unique_ptr<char[]> memory; size_t bytes; bool pooled; };
struct Work { std::function<int()> run; std::vector<std::pair<StreamId, uint64_t>> after; };
struct Stream { bool blocking = true; std::deque<Work> queue; uint64_t enqueued = 0, done = 0; };
struct Order { std::string name; int nth; int status; };

struct State
{
    std::recursive_mutex mutex;
    std::vector<std::string> log, calls;
    std::map<std::string, int> counts;
    std::vector<Order> orders;
    std::map<std::string, std::set<const void *>> ledger;
    std::map<uintptr_t, Block> blocks;
    std::map<uintptr_t, std::pair<size_t, std::unique_ptr<char[]>>> pinned;
    std::map<StreamId, Stream> streams;
    StreamId next_stream = 0x1000;
    size_t used = 0, pooled = 0, limit = 0;
    int guards = 0, misuses = 0, sticky = 0;
    std::string misuse_text;
    FILE *file = nullptr;

    State()
    {
        streams[0];
        if (const char *path = getenv("CONVNATIVE_DOUBLE_LOG")) file = fopen(path, "a");
        const char *bytes = getenv("CONVNATIVE_DOUBLE_MEMORY");
        limit = bytes ? strtoull(bytes, nullptr, 10) : (size_t)4 << 30;
        // name:nth:status, separated by commas.
        for (const char *p = getenv("CONVNATIVE_DOUBLE_FAIL"); p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : nullptr)
        {
            char name[128];
            int nth, status;
            if (sscanf(p, "%127[^:]:%d:%d", name, &nth, &status) == 3) orders.push_back({name, nth, status});
        }
    }
};

// Never destroyed: libraries are used until the last moment of a process.
State &s()
{
    static State *state = new State;
    return *state;
}

bool intact(const Block &b, uintptr_t user)
{
    const char *p = (const char *)user;
    auto bad = [](char c) { return (unsigned char)c != BandByte; };
    return std::none_of(p - Band, p, bad) && std::none_of(p + b.bytes, p + b.bytes + Band, bad);
}

void run_one(StreamId id)
{
    Stream &stream = s().streams.at(id);
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    for (auto &after : work.after) run_to(after.first, after.second);
    int error = s().sticky ? 0 : work.run();
    if (error) set_sticky(error);
    s().streams.at(id).done++;
}

}

std::recursive_mutex &mutex() { return s().mutex; }

void note(const std::string &line)
{
    s().log.push_back(line);
    if (s().file)
    {
        fputs((line + "\n").c_str(), s().file);
        fflush(s().file);
    }
}

int enter(const char *function, const std::string &arguments)
{
    note(std::string(function) + " " + arguments);
    s().calls.push_back(function);
    s().counts[function]++;
    for (auto it = s().orders.begin(); it != s().orders.end(); ++it)
        if ((it->name == "*" || it->name == function) && --it->nth == 0)
        {
            int status = it->status;
            s().orders.erase(it);
            note("  made to fail with " + std::to_string(status));
            return status;
        }
    return 0;
}

void misuse(const std::string &what)
{
    note("MISUSE " + what);
    s().misuses++;
    s().misuse_text += what + "\n";
}

void add(const char *kind, const void *object) { s().ledger[kind].insert(object); }

bool live(const char *kind, const void *object)
{
    auto it = s().ledger.find(kind);
    return it != s().ledger.end() && it->second.count(object);
}

bool remove(const char *kind, const void *object)
{
    if (!live(kind, object))
    {
        misuse(text("destroys a", kind, "that is not live:", object));
        return false;
    }
    s().ledger[kind].erase(object);
    return true;
}

int allocate(void **pointer, size_t bytes, bool pooled)
{
    if (!pointer) return InvalidValue;
    *pointer = nullptr;
    if (bytes == 0) return 0;
    if (s().used + bytes > s().limit) return OutOfMemory;
    std::unique_ptr<char[]> memory(new (std::nothrow) char[bytes + 3 * Band]);
    if (!memory) return OutOfMemory;
    uintptr_t user = ((uintptr_t)memory.get() + 2 * Band - 1) / Band * Band;
    memset((char *)user - Band, BandByte, Band);
    memset((char *)user, Fresh, bytes);
    memset((char *)user + bytes, BandByte, Band);
    s().blocks[user] = Block{std::move(memory), bytes, pooled};
    s().used += bytes;
    if (pooled) s().pooled += bytes;
    add("device memory", (void *)user);
    *pointer = (void *)user;
    return 0;
}

int release(void *pointer)
{
    if (!pointer) return 0;
    auto it = s().blocks.find((uintptr_t)pointer);
    if (it == s().blocks.end())
    {
        misuse(text("frees memory that is not allocated:", pointer));
        return InvalidValue;
    }
    if (!intact(it->second, it->first))
    {
        s().guards++;
        note("GUARD BAND damaged");
    }
    s().used -= it->second.bytes;
    if (it->second.pooled) s().pooled -= it->second.bytes;
    s().blocks.erase(it);
    remove("device memory", pointer);
    return 0;
}

bool on_device(const void *pointer, size_t bytes)
{
    auto it = s().blocks.upper_bound((uintptr_t)pointer);
    if (it == s().blocks.begin()) return false;
    --it;
    uintptr_t offset = (uintptr_t)pointer - it->first;
    return offset <= it->second.bytes && bytes <= it->second.bytes - offset && (offset < it->second.bytes || bytes == 0);
}

bool pinned(const void *pointer, size_t bytes)
{
    auto it = s().pinned.upper_bound((uintptr_t)pointer);
    if (it == s().pinned.begin()) return false;
    --it;
    uintptr_t offset = (uintptr_t)pointer - it->first;
    return offset <= it->second.first && bytes <= it->second.first - offset;
}

int pin(void **pointer, size_t bytes, bool ours)
{
    std::unique_ptr<char[]> memory;
    if (ours)
    {
        memory.reset(new char[bytes + Band]);
        *pointer = (void *)(((uintptr_t)memory.get() + Band - 1) / Band * Band);
        memset(*pointer, Fresh, bytes);
    }
    s().pinned[(uintptr_t)*pointer] = {bytes, std::move(memory)};
    add(ours ? "pinned memory" : "registered memory", *pointer);
    return 0;
}

int unpin(void *pointer, bool ours)
{
    if (!pointer && ours) return 0;
    if (!remove(ours ? "pinned memory" : "registered memory", pointer)) return InvalidValue;
    drain_all();
    s().pinned.erase((uintptr_t)pointer);
    return 0;
}

size_t memory_used() { return s().used; }
size_t memory_limit() { return s().limit; }
size_t pool_used() { return s().pooled; }

StreamId stream_create(bool blocking)
{
    StreamId id = s().next_stream++;
    s().streams[id].blocking = blocking;
    add("stream", (void *)id);
    return id;
}

bool stream_exists(StreamId id) { return s().streams.count(id) != 0; }

void stream_destroy(StreamId id)
{
    if (!remove("stream", (void *)id)) return;
    drain(id);
    s().streams.erase(id);
}

void enqueue(StreamId id, std::function<int()> work)
{
    Work w{std::move(work), {}};
    // The legacy default stream and the blocking ones wait for each other.
    for (auto &other : s().streams)
        if (other.first != id && other.second.blocking && s().streams[id].blocking && (id == 0 || other.first == 0))
            w.after.push_back({other.first, other.second.enqueued});
    s().streams[id].queue.push_back(std::move(w));
    s().streams[id].enqueued++;
}

uint64_t position(StreamId id) { return s().streams[id].enqueued; }

bool reached(StreamId id, uint64_t at) { return !stream_exists(id) || s().streams[id].done >= at; }

void run_to(StreamId id, uint64_t at)
{
    while (stream_exists(id) && s().streams[id].done < at && !s().streams[id].queue.empty()) run_one(id);
}

void drain(StreamId id) { run_to(id, position(id)); }

void drain_all()
{
    std::vector<StreamId> ids;
    for (auto &stream : s().streams) ids.push_back(stream.first);
    for (StreamId id : ids) drain(id);
}

void wait_for(StreamId id, StreamId other, uint64_t at)
{
    enqueue(id, [=] { run_to(other, at); return 0; });
}

bool step(StreamId id)
{
    if (s().streams[id].queue.empty()) return false;
    run_one(id);
    return true;
}

int sticky() { return s().sticky; }

void set_sticky(int error)
{
    if (error) note("device error " + std::to_string(error));
    s().sticky = error;
}

int device_count()
{
    const char *n = getenv("CONVNATIVE_DOUBLE_DEVICES");
    return n ? atoi(n) : 1;
}

int driver_version()
{
    const char *n = getenv("CONVNATIVE_DOUBLE_DRIVER");
    return n ? atoi(n) : 12080;
}

}

using namespace twin;

// The nth call from now of `name` ("*": of any function) fails with `status`.
EXPORT void convnative_double_fail(const char *name, int nth, int status)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    s().orders.push_back({name, nth, status});
}

// Forgets orders, log, counts and errors; objects stay as they are.
EXPORT void convnative_double_reset()
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    s().orders.clear();
    s().log.clear();
    s().calls.clear();
    s().counts.clear();
    s().misuse_text.clear();
    s().guards = s().misuses = s().sticky = 0;
}

EXPORT int convnative_double_orders_left()
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    return (int)s().orders.size();
}

EXPORT int convnative_double_calls(const char *name)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    return *name ? s().counts[name] : (int)s().calls.size();
}

EXPORT int convnative_double_live_objects()
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    size_t n = 0;
    for (auto &kind : s().ledger) n += kind.second.size();
    return (int)n;
}

EXPORT int convnative_double_misuses() { return s().misuses; }

// Damaged bands, in freed and in live memory.
EXPORT int convnative_double_guard_errors()
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    int n = s().guards;
    for (auto &block : s().blocks) n += !intact(block.second, block.first);
    return n;
}

EXPORT void convnative_double_memory_limit(uint64_t bytes) { s().limit = bytes; }

EXPORT uint64_t convnative_double_memory_used() { return s().used; }

// Copies a text: 0 the log, 1 the live objects by kind, 2 the misuses, 3 the names of all calls in order. Gives its whole length.
EXPORT uint64_t convnative_double_text(int which, char *buffer, uint64_t capacity)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    std::string all;
    if (which == 0) for (auto &line : s().log) all += line + "\n";
    if (which == 1)
        for (auto &kind : s().ledger)
            if (!kind.second.empty()) all += kind.first + " " + std::to_string(kind.second.size()) + "\n";
    if (which == 2) all = s().misuse_text;
    if (which == 3) for (auto &name : s().calls) all += name + "\n";
    if (buffer && capacity)
    {
        size_t n = std::min<size_t>(all.size(), capacity - 1);
        memcpy(buffer, all.data(), n);
        buffer[n] = 0;
    }
    return all.size();
}
