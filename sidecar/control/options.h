#pragma once

#include <sys/types.h>

#include <string>

namespace sidecar {

// The operator's socket; see conf/sidecar.yaml.
struct ControlOptions {
  std::string path = "/run/sw-sidecar/control.sock";
  mode_t mode = 0600;
};

}  // namespace sidecar
