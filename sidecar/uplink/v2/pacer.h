#pragma once

// Pacer keeps calls apart: no more than `rate` a second, `burst` at once after a pause. Pure but for its memory.

#include <algorithm>

#include "base/clock.h"

namespace sidecar::v2 {

class Pacer {
 public:
  Pacer(unsigned rate, unsigned burst) : distance_(std::chrono::seconds(1) / rate), slack_(distance_ * (burst - 1)) {}

  // Whether a call may be made now; it is counted then.
  bool take(Tick now) {
    if (now < next()) return false;
    last_ = std::max(last_ + distance_, now - slack_);
    return true;
  }
  // When a call may be made; in the past: now.
  Tick next() const { return last_ + distance_ - slack_; }

 private:
  const Duration distance_, slack_;
  Tick last_{};  // when the calls made so far would have ended, one each `distance_`
};

}  // namespace sidecar::v2
