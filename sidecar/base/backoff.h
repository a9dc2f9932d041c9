#pragma once

// Backoff is the pure rule for how long to wait before the next try: doubling
// from `first` to `max`, with full jitter in the upper half, so that many hosts
// that lost the same collector do not return together. Value type.

#include "base/clock.h"
#include "base/random.h"

namespace sidecar {

struct Backoff {
  Duration first = std::chrono::seconds(1);
  Duration max = std::chrono::seconds(30);

  bool operator==(const Backoff&) const = default;

  // Delay before try number `attempt` (1 is the first retry), in
  // [d/2, d) with d = min(first * 2^(attempt-1), max).
  Duration delay(unsigned attempt, Random& random) const;
};

}  // namespace sidecar
