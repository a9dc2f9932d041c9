#pragma once

// Pacer keeps calls apart: no more than `rate` a second, `burst` at once after a pause. Pure but for its memory.

#include <algorithm>

#include "base/clock.h"

namespace sidecar::v2 {

class Pacer {
 public:
  Pacer(unsigned rate, unsigned burst)
      : distance_(Duration(std::chrono::seconds(1)) / rate), slack_(distance_ * (burst - 1)) {}

  // Whether a call may be made now; it is counted then.
  bool take(Tick now) {
    if (now < next()) return false;
    even_ = std::max(even_, now) + distance_;
    return true;
  }
  // When a call may be made; in the past: now.
  Tick next() const { return even_ - slack_; }

 private:
  const Duration distance_, slack_;
  Tick even_{};  // when the calls made so far are made up for
};

}  // namespace sidecar::v2
