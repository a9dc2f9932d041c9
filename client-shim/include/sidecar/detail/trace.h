#pragma once

// The life of a segment: begin one, find the one that a thread is in, complete it.
// Thread: that of the segment (for a shared one, whoever holds its mutex).

#include <cstdint>
#include <string_view>

#include "sidecar/detail/here.h"
#include "sidecar/detail/parents.h"
#include "sidecar/detail/state.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// A handle's span index when its segment is not recorded but counts who is in it.
inline constexpr std::uint32_t kIgnoredSpan = kNone - 1;

inline void next_id(Core& core, std::int64_t realtime_us, std::int64_t (&id)[3]) noexcept {
  ThreadContext& thread = thread_context;
  if (thread.core != &core) {
    thread.core = &core;
    thread.number = core.new_thread_number();
    thread.last_id = 0;
  }
  const std::int64_t by_clock = realtime_us / 1000 * 10'000;
  thread.last_id = by_clock > thread.last_id ? by_clock : thread.last_id + 1;
  id[0] = core.process_id();
  id[1] = static_cast<std::int64_t>(thread.number);
  id[2] = thread.last_id;
}

// A new segment without a span yet; `ignored` counts its spans and keeps nothing of them. Null: nothing is to be
// recorded at all.
inline Builder* begin_segment(Core& core, std::string_view operation, const Incoming* incoming,
                              const Snapshot* snapshot) noexcept {
  if (!core.recording()) return nullptr;
  core.introduce();
  const bool ignored = core.ignores(operation);
  bool sampled = true;
  if (incoming != nullptr && incoming->bad_headers() > 0) core.count_bad_header();
  if (ignored) {
    sampled = false;
  } else if (incoming != nullptr && incoming->valid()) {
    sampled = Access::context(*incoming).sampled && core.sample(true);
  } else if (snapshot != nullptr && *snapshot) {
    sampled = snapshot->recorded == Snapshot::kSampled;
  } else {
    sampled = core.sample(false);
  }
  Builder* const b = core.take_builder();
  if (b == nullptr) return nullptr;
  b->owner = nullptr;
  b->below = nullptr;
  b->abandoned.store(false, std::memory_order_relaxed);
  b->ignored = !sampled;
  if (!sampled) {
    if (!ignored) core.count_unsampled();
    return b;
  }
  b->base_real_us = realtime_us();
  b->base_mono_ns = monotonic_ns();
  next_id(core, b->base_real_us, b->segment_id);
  next_id(core, b->base_real_us, b->trace.parts);
  return b;
}

// Index for the handle of a new span; the caller keeps count of an ignored one. kNone: nothing to end.
inline std::uint32_t begin_span(Core& core, Builder& b, SpanKind kind, std::string_view operation,
                                std::uint32_t parent) noexcept {
  if (b.ignored) {
    ++b.open;
    return kIgnoredSpan;
  }
  return b.add_span(kind, operation, parent, core.config().limits, core.cut());
}

// --- The thread's stack of segments -------------------------------------------------

inline void leave_stack(Builder& b) noexcept {
  for (Builder** at = &thread_context.top; *at != nullptr; at = &(*at)->below) {
    if (*at == &b) {
      *at = b.below;
      return;
    }
  }
}

// The last span has ended.
inline void complete(Builder& b) noexcept {
  Core& core = *b.core;
  if (b.owner != nullptr) leave_stack(b);
  if (b.ignored) return core.give_back(&b);
  b.serial.fetch_add(1, std::memory_order_release);  // handles are void from here on
  core.finish(&b);
}

// There was no memory for its first span.
inline void complete_empty(Builder& b) noexcept {
  if (b.owner != nullptr) leave_stack(b);
  b.core->give_back(&b);
}

// The innermost segment of this tracer that this thread is in.
inline Builder* current_segment(Core& core) noexcept {
  for (Builder* b = thread_context.top; b != nullptr;) {
    Builder* const below = b->below;
    if (b->core == &core) {
      if (!b->abandoned.load(std::memory_order_acquire)) return b;
      // a span of it was ended by another thread: its end cannot be known, so it is now
      for (std::uint32_t i = 0; i < b->spans.size(); ++i) {
        if (b->spans[i].open) b->end_span(i);
      }
      complete(*b);
    }
    b = below;
  }
  return nullptr;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
