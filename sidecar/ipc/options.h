#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sidecar {

// Operations that are not traced; ipc-schema/control.fbs says how they are compared. The
// suffixes are those of SkyWalking's Java agent.
struct IgnoreRules {
  std::vector<std::string> suffixes = {".jpg", ".jpeg", ".js",  ".css", ".png",  ".bmp",
                                       ".gif", ".ico",  ".mp3", ".mp4", ".html", ".svg"};
  std::vector<std::string> patterns;

  bool operator==(const IgnoreRules&) const = default;
};

// The socket that applications connect to; see conf/sidecar.yaml.
struct IpcOptions {
  std::string path = "/run/sw-sidecar/ingest.v1.sock";
  mode_t mode = 0666;                    // of the socket file; who may connect is decided by its directory and this
  unsigned max_connections = 8192;       // lowered to (descriptor limit - 256) / 4
  std::optional<unsigned> max_per_user;  // unset: half of max_connections
  Duration drain_interval = std::chrono::milliseconds(20);  // between looks at the sockets, at most; 1ms..20ms
  std::int64_t sampling = -1;                               // traces per 3 s and process, -1 all
  IgnoreRules ignore;
  std::string peer_prefix;  // what the headers of calls have before the address, "CLUSTER/"; see WELCOME
};

}  // namespace sidecar
