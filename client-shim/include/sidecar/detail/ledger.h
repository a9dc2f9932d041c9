#pragma once

// Ledger counts what becomes of segments, for one process. Counters are relaxed
// atomics: any thread counts, any thread reads; they agree with each other whenever
// nobody is at work,
//
//   created = waiting + sent + dropped
//
// Those under "holder" are written by the holder of the core alone (intake.h).

#include <atomic>
#include <cstdint>

#include "sidecar/detail/segment_data.h"
#include "sidecar/detail/stats.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct Ledger {
  using Counter = std::atomic<std::uint64_t>;
  struct Dropped {
    Counter buffer_full{0}, too_large{0}, exit_deadline{0}, disabled{0};
  };

  Counter created{0}, bad_headers{0}, misused{0}, unsampled{0}, ignored{0};
  Dropped dropped;
  CutCounters cut;

  // --- Holder ---
  Counter waiting{0}, sent{0}, accepted{0}, settled{0}, replay_evicted{0}, send_blocked{0}, connects{0}, bad_frames{0};
  std::atomic<std::uint32_t> rejected{0};

  Stats::Dropped drops() const noexcept {
    Stats::Dropped d;
    d.buffer_full = read(dropped.buffer_full);
    d.too_large = read(dropped.too_large);
    d.exit_deadline = read(dropped.exit_deadline);
    d.disabled = read(dropped.disabled);
    return d;
  }
  std::uint64_t dropped_total() const noexcept { return drops().total(); }

  // `in_intake`: segments that are on their way to the holder.
  Stats stats(std::uint32_t in_intake) const noexcept {
    Stats s;
    s.created = read(created);
    s.waiting = read(waiting) + in_intake;
    s.sent = read(sent);
    s.accepted = read(accepted);
    s.settled = read(settled);
    s.dropped = drops();
    s.cut.spans = read(cut.spans);
    s.cut.tags = read(cut.tags);
    s.cut.logs = read(cut.logs);
    s.cut.refs = read(cut.refs);
    s.cut.values = read(cut.values);
    s.cut.segments = read(cut.segments);
    s.replay_evicted = read(replay_evicted);
    s.send_blocked = read(send_blocked);
    s.connects = read(connects);
    s.reconnects = s.connects == 0 ? 0 : s.connects - 1;
    s.bad_headers = read(bad_headers);
    s.bad_frames = read(bad_frames);
    s.misused = read(misused);
    s.unsampled = read(unsampled);
    s.ignored = read(ignored);
    s.rejected = rejected.load(std::memory_order_relaxed);
    return s;
  }

  static std::uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
