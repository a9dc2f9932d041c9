#pragma once

// State is what Tracer points to: the configuration, and the core of the process we
// are in. It is never destroyed, so that a tracer may be used after main() and by
// threads that outlive it.
//
// A fork shows in a page that the kernel empties in every child, however it was
// made: the next use there makes a new core, with ids, connection and buffer of its
// own; handles of the parent's core are void. One handler, registered with the first
// tracer, sends what is left when the process ends by exit().

#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "sidecar/detail/core.h"
#include "sidecar/detail/uncancelled.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct State {
  explicit State(Config made) : config(static_cast<Config&&>(made)) {}

  const Config config;
  std::atomic<std::uint32_t>* sentinel = nullptr;  // in the page that a fork empties
  std::atomic<Core*> current{nullptr};
  State* next = nullptr;  // of all states

  static constexpr std::uint32_t kForked = 0;
  static constexpr std::uint32_t kBusy = 1;
  static constexpr std::uint32_t kReady = 2;

  // The core of this process; null for the moment in which another thread of a new child makes it.
  Core* core() noexcept {
    if (sentinel->load(std::memory_order_acquire) == kReady) return current.load(std::memory_order_relaxed);
    return after_fork();
  }
  // The same without making one: null also in a child that has not used the tracer yet.
  Core* core_if_used() const noexcept {
    return sentinel->load(std::memory_order_acquire) == kReady ? current.load(std::memory_order_relaxed) : nullptr;
  }

  bool open() noexcept {
    constexpr std::size_t kPage = 4096;
    void* const memory = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    if (::madvise(memory, kPage, MADV_WIPEONFORK) != 0) {
      ::munmap(memory, kPage);
      return false;
    }
    sentinel = new (memory) std::atomic<std::uint32_t>(kForked);
    return after_fork() != nullptr;
  }

 private:
  Core* after_fork() noexcept {
    std::uint32_t expected = kForked;
    if (!sentinel->compare_exchange_strong(expected, kBusy, std::memory_order_acq_rel)) {
      return expected == kReady ? current.load(std::memory_order_relaxed) : nullptr;
    }
    const Uncancelled uncancelled;
    Core* const parents = current.load(std::memory_order_relaxed);
    if (parents != nullptr) parents->leave_to_parent();
    Core* core = new (std::nothrow) Core(this, config, parents);
    if (core != nullptr && !core->open()) {
      delete core;
      core = nullptr;
    }
    current.store(core, std::memory_order_relaxed);
    sentinel->store(kReady, std::memory_order_release);
    return core;
  }
};

// All states of this shared object, newest first; only ever added to.
inline std::atomic<State*> all_states{nullptr};
inline std::atomic<bool> exit_handler{false};

inline void at_exit() noexcept {
  for (State* state = all_states.load(std::memory_order_acquire); state != nullptr; state = state->next) {
    if (Core* const core = state->core_if_used()) core->exit();
  }
}

// Null when something is missing; the tracer is disabled then.
inline State* open_state(const TracerOptions& options) {
  const Uncancelled uncancelled;
  Config config = make_config(options);
  if (config.options.service.empty()) return nullptr;
  auto* const state = new (std::nothrow) State(static_cast<Config&&>(config));
  if (state == nullptr) return nullptr;
  if (!state->open()) {
    delete state;
    return nullptr;
  }
  state->next = all_states.load(std::memory_order_relaxed);
  while (!all_states.compare_exchange_weak(state->next, state, std::memory_order_release, std::memory_order_relaxed)) {
  }
  if (!exit_handler.exchange(true)) ::atexit([] { at_exit(); });
  return state;
}

// What a thread has: trivial, so that threads come and go without a trace of theirs.
struct ThreadContext {
  Core* core;            // whose number this is
  std::uint64_t number;  // of the thread, never used by another
  std::int64_t last_id;  // third part of the last id
  Builder* top;          // segment it is in; the one below is reached from there
};
inline thread_local ThreadContext thread_context{};

// Whether `builder` still is what a handle with `serial` meant, in this process.
inline bool is_live(const Builder* builder, std::uint64_t serial) noexcept {
  return builder->core->state()->core_if_used() == builder->core &&
         builder->serial.load(std::memory_order_acquire) == serial;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
