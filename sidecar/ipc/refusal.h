#pragma once

// Refusal is why a client is sent away, as REJECT tells it: a stable code, a
// sentence for a person, and when to come back. Value type.

#include <sidecar_ipc/protocol.h>

#include <array>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sidecar {

struct Refusal {
  ipc_protocol::RejectCode code = ipc_protocol::RejectCode::none;
  std::string message;
  Duration retry_after{0};  // 0: whenever the client likes, or never if permanent
};

// Codes are 0 .. kRejectCodes - 1; their names are what status and logs say.
inline constexpr std::size_t kRejectCodes = 12;
inline constexpr std::array<std::string_view, kRejectCodes> kRejectCodeNames = {"none",
                                                                                "bad_frame",
                                                                                "unsupported_version",
                                                                                "bad_hello",
                                                                                "hello_timeout",
                                                                                "busy",
                                                                                "identity_changed",
                                                                                "inherited",
                                                                                "too_many_bad_records",
                                                                                "replay_needed",
                                                                                "shutting_down",
                                                                                "not_allowed"};

constexpr std::string_view to_text(ipc_protocol::RejectCode code) {
  return kRejectCodeNames[static_cast<std::size_t>(code)];
}

// Whether the same client would be refused for the same reason for ever.
constexpr bool is_permanent(ipc_protocol::RejectCode code) {
  using ipc_protocol::RejectCode;
  return code == RejectCode::bad_frame || code == RejectCode::unsupported_version || code == RejectCode::bad_hello ||
         code == RejectCode::identity_changed || code == RejectCode::not_allowed;
}

}  // namespace sidecar
