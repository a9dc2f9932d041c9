#pragma once

// What an operator can do to a running daemon over its control socket, and what status says of its
// configuration. Owner: none, functions. Thread: loop.

#include <nlohmann/json.hpp>
#include <vector>

#include "control/route.h"
#include "lifecycle/reload.h"

namespace sidecar {

// POST /reload, POST /log-level. `reload` outlives them. `stopping` refuses: what is about to end changes no more.
std::vector<Route> reload_routes(Reload& reload, std::function<bool()> stopping);

// The part "config" of status.
nlohmann::json config_part(const Reload& reload, const std::string& path, Tick now);

}  // namespace sidecar
