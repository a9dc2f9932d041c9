#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace sidecar {

std::uint64_t SystemRandom::next() {
  if (left_ == 0) {
    // Up to 256 bytes getrandom neither blocks after boot nor returns short.
    CHECK(getrandom(buffer_, sizeof buffer_, 0) == static_cast<ssize_t>(sizeof buffer_));
    left_ = sizeof buffer_ / sizeof buffer_[0];
  }
  return buffer_[--left_];
}

}  // namespace sidecar
