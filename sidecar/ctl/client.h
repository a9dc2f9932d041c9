#pragma once

// Asks the daemon over its control socket and checks that the answer is one that we
// understand. Blocks for at most kAnswerSeconds; for sidecarctl alone.

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace sidecar {

inline constexpr long kAnswerSeconds = 10;
inline constexpr std::size_t kMaxAnswer = 256 * 1024 * 1024;

// GET `path` (with its leading slash). unavailable: nobody answers; the message says what to try.
// not_allowed, not_found, corrupt: the daemon answers, but not with what was asked.
Result<nlohmann::json> ask(const std::string& socket, const std::string& path);

// POST `path` with `body`: has the daemon do something. Errors as ask(); invalid_argument: it refuses to do this.
Result<nlohmann::json> tell(const std::string& socket, const std::string& path, const nlohmann::json& body);

// The second half of both: what an HTTP status and a body mean. An error that lists several has a line for each.
Result<nlohmann::json> understand(long status, const std::string& body);

}  // namespace sidecar
