#include "config/config.h"

#include "base/regular_file.h"
#include "config/binder.h"
#include "config/yaml_reader.h"

namespace sidecar {

LoadedConfig load_config(const std::string& path, const Environment& environment) {
  const auto text = read_regular_file(path, kMaxConfigBytes);
  if (!text) {
    std::string message = text.error().message;
    if (text.error().code == Errc::not_found) message += "; create it, or name another with --config";
    if (text.error().code == Errc::limit_exceeded) message += "; this is no configuration of sw-sidecar";
    return {{}, {std::move(message)}};
  }
  return parse_config(*text, path, environment);
}

LoadedConfig parse_config(const std::string& text, const std::string& name, const Environment& environment) {
  return bind_config(read_yaml(text), name, environment);
}

}  // namespace sidecar
