#pragma once

// Config is everything an operator can set, already checked, as the options of the modules
// that it concerns. It comes from a YAML file, in which ${NAME:default} stands for an
// environment variable, and from SW_SIDECAR_* variables, which win over the file. What the keys
// are, keys.h says.
//
// Value type. Loading touches the file system once and nothing else.

#include <map>
#include <string>
#include <vector>

#include "agents/options.h"
#include "carrier/options.h"
#include "config/environment.h"
#include "control/options.h"
#include "ipc/options.h"
#include "lifecycle/options.h"
#include "log/options.h"
#include "pipeline/options.h"
#include "session/options.h"
#include "uplink/options.h"

namespace sidecar {

struct Config {
  LogOptions log;
  UplinkOptions uplink;
  IpcOptions ipc;
  ControlOptions control;
  CarrierOptions carrier;
  PipelineOptions pipeline;
  SessionOptions session;
  NamingOptions naming;
  LifecycleOptions lifecycle;
};

struct LoadedConfig {
  Config config;  // to be used only if there are no errors
  // All that is wrong, one line each, by position: "file:line:col: key: what was expected"; what is wrong
  // in the environment comes last and names the variable. Safe to print.
  std::vector<std::string> errors;
  // Where the keys got their values that do not have their default: "FILE:LINE", "FILE:LINE with ${NAME}" or
  // "environment NAME".
  std::map<std::string, std::string> origins;
};

inline constexpr const char* kDefaultConfigPath = "/etc/sw-sidecar/sidecar.yaml";
// Ten times what documents every key; a larger one could keep the parser busy for seconds.
inline constexpr std::size_t kMaxConfigBytes = 64 * 1024;

// Reads the regular file at `path`, at most kMaxConfigBytes; never waits on a FIFO or a device.
LoadedConfig load_config(const std::string& path, const Environment& environment);

// The same for text; `name` stands for the file in errors.
LoadedConfig parse_config(const std::string& text, const std::string& name, const Environment& environment);

}  // namespace sidecar
