#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace sidecar {

// The socket that applications connect to; see conf/sidecar.yaml.
struct IpcOptions {
  std::string path = "/run/sw-sidecar/ingest.v1.sock";
  mode_t mode = 0666;                    // of the socket file; who may connect is decided by its directory and this
  unsigned max_connections = 8192;       // lowered to (descriptor limit - 256) / 4
  std::optional<unsigned> max_per_user;  // unset: half of max_connections
  Duration drain_interval = std::chrono::milliseconds(10);  // how often sockets are read while traffic flows, 1ms..20ms
  std::int64_t sampling = -1;                               // traces per 3 s and process, -1 all
};

}  // namespace sidecar
