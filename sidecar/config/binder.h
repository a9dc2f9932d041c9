#pragma once

// Puts a YAML document and the environment into a Config and collects all that is wrong,
// by the table of keys. Pure.

#include "config/config.h"
#include "config/yaml_reader.h"

namespace sidecar {

// `file` is its name in messages.
LoadedConfig bind_config(const YamlDocument& document, const std::string& file, const Environment& environment);

}  // namespace sidecar
