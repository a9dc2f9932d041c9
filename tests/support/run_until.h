#pragma once

// Runs a real loop until something has happened, for tests with real servers.

#include <functional>

#include "loop/uv_loop.h"

namespace sidecar {

// False when the limit passed first, which is far longer than anything here takes: the test has failed.
inline bool run_until(UvLoop& loop, const std::function<bool()>& fact) {
  using namespace std::chrono_literals;
  bool in_time = true;
  const auto look = loop.make_timer([&] {
    if (fact()) loop.stop();
  });
  const auto limit = loop.make_timer([&] {
    in_time = false;
    loop.stop();
  });
  look->start_every(1ms);
  limit->start(60s);
  loop.run();
  return in_time;
}

}  // namespace sidecar
