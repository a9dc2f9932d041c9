#pragma once

// What sidecarctl says of what the daemon did. Foreign texts are made harmless. Pure.

#include <nlohmann/json.hpp>
#include <string>

namespace sidecar {

// Of POST /reload: a line for each change, those that are not in force last; then what is probably not meant.
std::string reload_text(const nlohmann::json& answer);

// Of POST /log-level.
std::string log_level_text(const nlohmann::json& answer);

}  // namespace sidecar
