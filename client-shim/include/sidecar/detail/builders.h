#pragma once

// The builders of one process: taken for a segment, given back when it has been
// copied to the ring, never deleted. A free list without locks; its head carries a
// tag that changes with each use, so that a builder that came back meanwhile is not
// mistaken for the one that was there.
//
// Any thread. Bounded: when kMax segments are being built at once, further ones are
// not recorded. A builder that grew large, or is one of many idle ones, gives its
// memory back.

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "sidecar/detail/builder.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Builders {
 public:
  static constexpr std::uint32_t kMax = 65536;
  static constexpr std::uint32_t kKeepWarm = 256;   // idle ones that keep their memory
  static constexpr std::size_t kLarge = 64 * 1024;  // bytes of a builder's memory beyond which it is given back

  // False: no memory, and take() returns null for ever.
  bool open() noexcept {
    void* const memory =
        ::mmap(nullptr, kMax * sizeof(Builder*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    table_ = static_cast<std::atomic<Builder*>*>(memory);  // zeros are null pointers
    return true;
  }

  // Null when there are too many, or no memory.
  Builder* take(Core* core) noexcept {
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (index_of(head) != 0) {
      Builder* const builder = table_[index_of(head) - 1].load(std::memory_order_acquire);
      const std::uint64_t next = tagged(head, builder->next_free.load(std::memory_order_relaxed));
      if (head_.compare_exchange_weak(head, next, std::memory_order_acquire, std::memory_order_acquire)) {
        idle_.fetch_sub(1, std::memory_order_relaxed);
        return builder;
      }
    }
    return create(core);
  }

  // Handles of the segment that `builder` held must be void by now (its serial went up).
  void give_back(Builder* builder) noexcept {
    if (builder->footprint() > kLarge || idle_.load(std::memory_order_relaxed) >= kKeepWarm) builder->release();
    builder->clear();
    idle_.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      builder->next_free.store(index_of(head), std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, tagged(head, builder->index + 1), std::memory_order_release,
                                          std::memory_order_relaxed));
  }

 private:
  static std::uint32_t index_of(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
  static std::uint64_t tagged(std::uint64_t old, std::uint32_t index) noexcept {
    return ((old >> 32) + 1) << 32 | index;
  }

  Builder* create(Core* core) noexcept {
    if (table_ == nullptr || count_.load(std::memory_order_relaxed) >= kMax) return nullptr;
    const std::uint32_t index = count_.fetch_add(1, std::memory_order_relaxed);
    Builder* const builder = index < kMax ? new (std::nothrow) Builder : nullptr;
    if (builder == nullptr) return nullptr;  // the index is used up: another thread may have the next one
    builder->index = index;
    builder->core = core;
    builder->older = newest_.load(std::memory_order_relaxed);
    while (
        !newest_.compare_exchange_weak(builder->older, builder, std::memory_order_release, std::memory_order_relaxed)) {
    }
    table_[index].store(builder, std::memory_order_release);
    return builder;
  }

  std::atomic<Builder*>* table_ = nullptr;
  std::atomic<Builder*> newest_{nullptr};  // all of them hang on this: leak checkers do not look into the table
  std::atomic<std::uint64_t> head_{0};     // tag, then index + 1
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> idle_{0};
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
