#pragma once

// The two kinds of time. Tick is monotonic and is what timers, ages and
// deadlines use; WallTime is for people and for the collector. They are distinct
// types, so that one cannot be mistaken for the other.

#include <chrono>

namespace sidecar {

using Duration = std::chrono::nanoseconds;

// Names the monotonic clock as a type; it is read only by the event loop.
struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};

using Tick = MonotonicClock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

}  // namespace sidecar
