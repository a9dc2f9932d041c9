#include "config/config.h"

#include "config/binder.h"
#include "config/file.h"
#include "config/yaml_reader.h"

namespace sidecar {

LoadedConfig load_config(const std::string& path, const Environment& environment) {
  const auto text = read_regular_file(path, kMaxConfigBytes);
  if (!text) return {{}, {text.error().message}};
  return parse_config(*text, path, environment);
}

LoadedConfig parse_config(const std::string& text, const std::string& name, const Environment& environment) {
  return bind_config(read_yaml(text), name, environment);
}

}  // namespace sidecar
