#pragma once

// What a segment consists of while it is built: spans, tags, logs and references as
// elements of pools, linked by index, and their texts in one arena. Plain data;
// builder.h fills it, segment_writer.h reads it. Owner and thread: the builder's.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Where a text lies in its arena.
struct Slice {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

// Texts of one segment, one behind the other.
class TextArena {
 public:
  // More could never be sent in one frame.
  static constexpr std::size_t kMax = 256 * 1024;

  ~TextArena() { std::free(data_); }
  // An empty slice if there is no room.
  Slice add(std::string_view text) noexcept {
    if (text.size() > kMax - size_ || !reserve(size_ + text.size())) return {};
    const Slice slice{static_cast<std::uint32_t>(size_), static_cast<std::uint32_t>(text.size())};
    if (!text.empty()) std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
    return slice;
  }
  std::string_view view(Slice slice) const noexcept { return {data_ + slice.at, slice.size}; }
  std::size_t size() const noexcept { return size_; }
  std::size_t footprint() const noexcept { return capacity_; }
  void clear() noexcept { size_ = 0; }
  // Gives the memory back.
  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  bool reserve(std::size_t wanted) noexcept {
    if (wanted <= capacity_) return true;
    std::size_t capacity = capacity_ == 0 ? 2048 : capacity_ * 2;
    while (capacity < wanted) capacity *= 2;
    auto* data = static_cast<char*>(std::realloc(data_, capacity));
    if (data == nullptr) return false;
    data_ = data;
    capacity_ = capacity;
    return true;
  }
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Three numbers of ours, or another agent's text.
struct IdData {
  std::int64_t parts[3] = {0, 0, 0};
  Slice text;
  bool own() const noexcept { return parts[0] != 0; }
};

struct TagData {
  Slice key;
  Slice value;
  std::uint32_t next = kNone;
};

struct LogData {
  std::int64_t time_us = 0;
  std::uint32_t first = kNone;  // of its fields
  std::uint32_t last = kNone;
  std::uint32_t count = 0;
  std::uint32_t next = kNone;
};

struct RefData {
  IdData trace;
  IdData segment;
  Slice service;
  Slice instance;
  Slice endpoint;
  Slice address;
  std::int32_t span_id = 0;
  bool cross_thread = false;
  std::uint32_t next = kNone;
};

// Of tags, logs or refs.
struct List {
  std::uint32_t first = kNone;
  std::uint32_t last = kNone;
  std::uint32_t count = 0;
};

enum class SpanKind : std::uint8_t { entry = 0, exit = 1, local = 2 };  // the numbers of segment.fbs

struct SpanData {
  std::int32_t parent = -1;
  std::int32_t component = 0;
  std::int64_t start_us = 0;
  std::int64_t duration_us = 0;
  Slice operation;
  Slice peer;
  List tags;
  List logs;
  List refs;
  SpanKind kind = SpanKind::local;
  std::uint8_t layer = 0;
  bool error = false;
  bool skip_analysis = false;
  bool open = true;
};

struct Limits {
  unsigned spans = 300;
  unsigned tags = ipc_protocol::kMaxTagsPerSpan;
  unsigned logs = 300;
  std::size_t value = 2048;
};

// What limits cut, for all builders of a process.
struct CutCounters {
  std::atomic<std::uint64_t> spans{0}, tags{0}, logs{0}, refs{0}, values{0}, segments{0};
};
inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t more = 1) noexcept {
  counter.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
