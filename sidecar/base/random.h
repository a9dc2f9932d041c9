#pragma once

// Randomness for jitter and epochs, passed in so that tests decide it. Not for
// secrets. Thread: that of its owner.

#include <cstdint>

namespace sidecar {

class Random {
 public:
  virtual ~Random() = default;
  // 64 uniform bits.
  virtual std::uint64_t next() = 0;
  // Uniform in [0, 1).
  double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

// The kernel's generator (getrandom), buffered. Aborts if the kernel has none.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::uint64_t buffer_[32];
  unsigned left_ = 0;
};

}  // namespace sidecar
