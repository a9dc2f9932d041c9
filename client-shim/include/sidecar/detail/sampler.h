#pragma once

// Sampling: so many new traces per 3 seconds and process. Pure but for its counter,
// which any thread may ask at once; a trace that came from elsewhere is not asked
// about, but uses the allowance up.

#include <atomic>
#include <cstdint>

namespace sidecar {
inline namespace v1 {
namespace detail {

class Sampler {
 public:
  static constexpr std::int64_t kPeriodMs = 3000;

  // `allowed` per period, negative: all. `continued`: always true, but counted.
  bool take(std::int64_t allowed, std::int64_t now_ms, bool continued) noexcept {
    if (allowed < 0) return true;
    const auto period = static_cast<std::uint32_t>(now_ms / kPeriodMs);
    std::uint64_t old = state_.load(std::memory_order_relaxed);
    for (;;) {
      const auto used = static_cast<std::uint32_t>(old >> 32) == period ? static_cast<std::uint32_t>(old) : 0u;
      if (!continued && static_cast<std::int64_t>(used) >= allowed) return false;
      const std::uint64_t fresh = std::uint64_t{period} << 32 | (used == ~0u ? used : used + 1);
      if (state_.compare_exchange_weak(old, fresh, std::memory_order_relaxed)) return true;
    }
  }

 private:
  std::atomic<std::uint64_t> state_{0};  // the period, then how many passed in it
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
