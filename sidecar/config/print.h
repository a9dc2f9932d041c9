#pragma once

// The whole configuration in effect as YAML, for people who ask which value counts and where
// it comes from. What is printed is a configuration: loaded again, it gives the same values.
//
//    carrier:
//      channels: 16     # environment SW_SIDECAR_CARRIER_CHANNELS
//      slots: 4096      # default
//      memory: 64MiB    # /etc/sw-sidecar/sidecar.yaml:12
//
// Secrets are not in it: settings name files that hold them. Pure.

#include <string>

#include "config/config.h"

namespace sidecar {

// `loaded` without errors; `source` names the file, for the first line.
std::string print_config(const LoadedConfig& loaded, const std::string& source);

}  // namespace sidecar
