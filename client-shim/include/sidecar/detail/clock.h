#pragma once

// The two clocks of a shim. Moments that a collector sees begin with one reading of
// the wall clock per segment; durations and time limits are differences of the
// monotonic one, so that a clock that is set does not stretch them. Both are
// answered by the vDSO, without a system call.

#include <time.h>

#include <cstdint>

namespace sidecar {
inline namespace v1 {
namespace detail {

inline std::int64_t read_clock_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

inline std::int64_t realtime_us() noexcept { return read_clock_ns(CLOCK_REALTIME) / 1000; }
inline std::int64_t monotonic_ns() noexcept { return read_clock_ns(CLOCK_MONOTONIC); }
inline std::int64_t monotonic_ms() noexcept { return monotonic_ns() / 1'000'000; }

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
