#pragma once

#include "base/clock.h"

namespace sidecar {

// How instances are kept registered; see conf/sidecar.yaml.
struct SessionOptions {
  Duration keep_alive = std::chrono::seconds(30);  // 1s..1h, +-10 % jitter
  unsigned properties_every = 10;                  // every n-th beat repeats the properties, 1..1000
};

}  // namespace sidecar
