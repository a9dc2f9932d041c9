#pragma once

// What `sidecarctl status` prints: the status document for a person, at a glance. First
// the daemon, then the collector, the instances with their ledgers, the queues, and last what
// is wrong and what to do about it. Pure: never fails, whatever the document holds.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ctl/layout.h"

namespace sidecar {

std::string status_text(const nlohmann::json& status, const Terminal& terminal);

// One sentence for each thing that is wrong.
std::vector<std::string> warnings(const nlohmann::json& status);

}  // namespace sidecar
