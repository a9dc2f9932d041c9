#pragma once

// Builder holds one segment while it is built: spans, tags, logs, refs and their
// texts, in memory that is reused for the next segment, so that a warmed-up program
// allocates nothing. It also carries the segment's encoding from the thread that
// finished it to the ring.
//
// Owner: the process, from a free list (builders.h); a builder is never deleted, so
// that a stale handle can always look at its `serial`. Thread: the one that began
// the segment (`owner`), or, if `shared`, any that holds `mutex`.
// Every limit that cuts something counts what it cut.

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "sidecar/detail/bytes.h"
#include "sidecar/detail/clock.h"
#include "sidecar/detail/correlation.h"
#include "sidecar/detail/segment_data.h"
#include "sidecar/detail/utf8.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Core;
struct ThreadContext;

struct Builder {
  // --- Its place among the others ---
  std::uint32_t index = 0;                  // in the table of builders
  std::atomic<std::uint32_t> next_free{0};  // index + 1 of the next in the free list
  Builder* older = nullptr;                 // of all that were ever made
  Builder* next = nullptr;                  // in the intake
  std::atomic<std::uint64_t> serial{0};     // goes up when a segment ends: older handles are void
  Core* core = nullptr;
  ThreadContext* owner = nullptr;      // null: shared
  Builder* below = nullptr;            // on the owner's stack of segments
  std::atomic<bool> abandoned{false};  // another thread ended a span that is not its own
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

  // --- The segment ---
  bool ignored = false;  // not sampled: only `open` counts
  bool size_limited = false;
  bool skip_analysis = false;  // for those downstream
  bool continued = false;      // the trace came from elsewhere
  std::int64_t base_real_us = 0;
  std::int64_t base_mono_ns = 0;
  std::int64_t segment_id[3] = {0, 0, 0};
  IdData trace;
  std::uint32_t open = 0;          // spans that have not ended
  std::uint32_t current = kNone;   // innermost open span, if not shared
  std::uint32_t endpoint = kNone;  // the span that names the segment: the first, or the first entry
  TextArena text;
  Pool<SpanData> spans;
  Pool<TagData> tags;
  Pool<LogData> logs;
  Pool<RefData> refs;
  Correlation correlation;
  Bytes encoded{ipc_protocol::kMaxSegment};

  std::int64_t now_us() const noexcept { return base_real_us + (monotonic_ns() - base_mono_ns) / 1000; }

  void clear() noexcept {
    ignored = size_limited = skip_analysis = continued = false;
    trace = IdData{};
    open = 0;
    current = endpoint = kNone;
    text.clear();
    spans.clear();
    tags.clear();
    logs.clear();
    refs.clear();
    correlation.clear();
    encoded.clear();
  }
  // Gives back the memory that `clear` keeps.
  void release() noexcept {
    text.release();
    spans.release();
    tags.release();
    logs.release();
    refs.release();
    encoded.release();
  }
  std::size_t footprint() const noexcept {
    return text.footprint() + spans.footprint() + tags.footprint() + logs.footprint() + refs.footprint() +
           encoded.footprint();
  }

  // --- Filling it: each cuts to the protocol's and the application's limits ---
  Slice add_text(std::string_view value, std::size_t max, CutCounters& cut) noexcept {
    if (value.size() > max) {
      value = value.substr(0, max);
      value = value.substr(0, utf8_whole(value));
      count(cut.values);
    }
    const Slice slice = text.add(value);
    if (slice.size != value.size()) count(cut.values);
    return slice;
  }

  // kNone when the segment has as many as it may have.
  std::uint32_t add_span(SpanKind kind, std::string_view operation, std::uint32_t parent, const Limits& limits,
                         CutCounters& cut) noexcept {
    std::uint32_t at = kNone;
    if (spans.size() < limits.spans) {
      SpanData span;
      span.kind = kind;
      span.parent = parent == kNone ? -1 : static_cast<std::int32_t>(parent);
      span.start_us = spans.size() == 0 ? base_real_us : now_us();
      span.operation = add_text(operation, ipc_protocol::kMaxOperation, cut);
      at = spans.add(span);
    }
    if (at == kNone) {
      size_limited = true;
      count(cut.spans);
      return kNone;
    }
    ++open;
    if (endpoint == kNone || (kind == SpanKind::entry && spans[endpoint].kind != SpanKind::entry)) endpoint = at;
    return at;
  }

  void add_tag(std::uint32_t span, std::string_view key, std::string_view value, const Limits& limits,
               CutCounters& cut) noexcept {
    if (key.empty()) return;
    List& list = spans[span].tags;
    if (list.count >= limits.tags || !append_tag(list, key, value, limits, cut)) count(cut.tags);
  }

  // Index of the new log, to which add_field() adds; kNone when there are too many.
  std::uint32_t add_log(std::uint32_t span, std::int64_t time_us, const Limits& limits, CutCounters& cut) noexcept {
    List& list = spans[span].logs;
    std::uint32_t at = kNone;
    if (list.count < limits.logs) {
      LogData log;
      log.time_us = time_us;
      at = logs.add(log);
    }
    if (at == kNone) {
      count(cut.logs);
      return kNone;
    }
    if (list.first == kNone) {
      list.first = at;
    } else {
      logs[list.last].next = at;
    }
    list.last = at;
    ++list.count;
    return at;
  }
  void add_field(std::uint32_t log, std::string_view key, std::string_view value, const Limits& limits,
                 CutCounters& cut) noexcept {
    if (key.empty()) return;
    List list{logs[log].first, logs[log].last, logs[log].count};
    if (list.count >= ipc_protocol::kMaxFieldsPerLog || !append_tag(list, key, value, limits, cut)) {
      count(cut.logs);
      return;
    }
    logs[log].first = list.first;
    logs[log].last = list.last;
    logs[log].count = list.count;
  }

  void add_ref(std::uint32_t span, const RefData& ref, CutCounters& cut) noexcept {
    List& list = spans[span].refs;
    const std::uint32_t at = list.count < ipc_protocol::kMaxRefsPerSpan ? refs.add(ref) : kNone;
    if (at == kNone) {
      count(cut.refs);
      return;
    }
    if (list.first == kNone) {
      list.first = at;
    } else {
      refs[list.last].next = at;
    }
    list.last = at;
    ++list.count;
  }

  void end_span(std::uint32_t at) noexcept {
    SpanData& span = spans[at];
    span.open = false;
    const std::int64_t duration = now_us() - span.start_us;
    span.duration_us = duration > 0 ? duration : 0;
    --open;
    // what is open lies on the way from `current` to the root
    while (current != kNone && !spans[current].open) {
      current = spans[current].parent < 0 ? kNone : static_cast<std::uint32_t>(spans[current].parent);
    }
  }

 private:
  bool append_tag(List& list, std::string_view key, std::string_view value, const Limits& limits,
                  CutCounters& cut) noexcept {
    TagData tag;
    tag.key = add_text(key, ipc_protocol::kMaxKey, cut);
    if (tag.key.size == 0) return false;  // no room for any more text
    tag.value = add_text(value, limits.value, cut);
    const std::uint32_t at = tags.add(tag);
    if (at == kNone) return false;
    if (list.first == kNone) {
      list.first = at;
    } else {
      tags[list.last].next = at;
    }
    list.last = at;
    ++list.count;
    return true;
  }
};

// Held for a few memory writes; never while code of the application runs, but for an allocation that may throw.
class BuilderLock {
 public:
  explicit BuilderLock(Builder& builder) noexcept : mutex_(builder.mutex) { ::pthread_mutex_lock(&mutex_); }
  ~BuilderLock() { ::pthread_mutex_unlock(&mutex_); }
  BuilderLock(const BuilderLock&) = delete;
  BuilderLock& operator=(const BuilderLock&) = delete;

 private:
  pthread_mutex_t& mutex_;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
