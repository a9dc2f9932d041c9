#pragma once

#include <string>

#include "base/clock.h"

namespace sidecar {

// What concerns the daemon as a whole; see conf/sidecar.yaml.
struct LifecycleOptions {
  std::string host;             // in instance names; empty: the host's name
  std::string state_directory;  // what outlives the daemon; empty: the manager's, else kDefaultStateDirectory
  Duration shutdown_deadline = std::chrono::seconds(10);  // for sending what is held at SIGTERM, 0s..10m
};

}  // namespace sidecar
