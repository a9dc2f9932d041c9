#pragma once

namespace sidecar {

enum class LogLevel { error, warning, info, debug };

// What goes to the log; see conf/sidecar.yaml.
struct LogOptions {
  LogLevel level = LogLevel::info;
};

}  // namespace sidecar
