#pragma once

// How finished segments come together without a lock, and without a thread of ours:
//
//   finishing thread:  push it on the intake -> try to become the holder
//   holder:            take the intake, do the work; let go; look again
//
// Who does not become the holder returns at once: the holder looks again after it has
// let go, so nothing is left lying. A wish is work without a segment. Any thread;
// bounded.

#include <atomic>
#include <cstdint>

#include "sidecar/detail/builder.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Intake {
 public:
  // Why somebody wants a holder even if there is nothing new.
  enum Wish : std::uint32_t { kNothing = 0, kLook = 1, kRead = 2, kConnect = 4 };

  static constexpr std::uint32_t kMax = 4096;  // segments that may wait for the holder

  // False: too many wait.
  bool push(Builder* builder) noexcept {
    if (count_.fetch_add(1, std::memory_order_relaxed) >= kMax) {
      count_.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    builder->next = newest_.load(std::memory_order_relaxed);
    while (!newest_.compare_exchange_weak(builder->next, builder, std::memory_order_seq_cst)) {
    }
    return true;
  }
  void wish(std::uint32_t wishes) noexcept {
    if (wishes != kNothing) wishes_.fetch_or(wishes, std::memory_order_seq_cst);
  }
  // Segments that were pushed, and are not numbered or dropped yet.
  std::uint32_t count() const noexcept { return count_.load(std::memory_order_acquire); }

  // Calls work() as the holder, unless another thread is, which then does it.
  template <class Work>
  void hold(Work&& work) noexcept {
    do {
      if (!try_hold()) return;
      work();
      let_go();
    } while (newest_.load(std::memory_order_seq_cst) != nullptr || wishes_.load(std::memory_order_seq_cst) != 0);
  }
  bool try_hold() noexcept { return !held_.exchange(true, std::memory_order_seq_cst); }
  void let_go() noexcept { held_.store(false, std::memory_order_seq_cst); }

  // --- Holder ---

  std::uint32_t take_wishes() noexcept { return wishes_.exchange(0, std::memory_order_seq_cst); }

  // Calls take(builder) for each, oldest first.
  template <class Take>
  void take_all(Take&& take) noexcept {
    Builder* list = newest_.exchange(nullptr, std::memory_order_seq_cst);
    Builder* first = nullptr;
    while (list != nullptr) {  // it is in reverse order
      Builder* const next = list->next;
      list->next = first;
      first = list;
      list = next;
    }
    while (first != nullptr) {
      Builder* const next = first->next;
      take(first);
      count_.fetch_sub(1, std::memory_order_release);
      first = next;
    }
  }

 private:
  alignas(64) std::atomic<Builder*> newest_{nullptr};
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> wishes_{0};
  std::atomic<bool> held_{false};
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
