#pragma once

// What became of a call, and what it means for whoever made it. The mapping from
// a gRPC status is a pure table (verdict_of); nobody else looks at status codes.

#include <string>
#include <string_view>

namespace sidecar {

enum class Verdict {
  delivered,      // OK: settled
  retry,          // nobody answered: try again with back-off; counts for fail-over
  back_off,       // RESOURCE_EXHAUSTED: the collector asks for less
  hold_auth,      // token missing or wrong: hold everything, state AUTH
  wrong_server,   // no spelling of the method exists there: hold, state WRONG_SERVER
  next_spelling,  // this spelling does not exist there; internal to a dialect
  suspect,        // refused as it stands: after three times, bisect; alone three times, drop
  cancelled,      // we did it ourselves: says nothing
};

struct Outcome {
  Verdict verdict = Verdict::cancelled;
  // For people: status name and the server's words, bounded and printable. Empty for delivered.
  std::string detail;
  // Of suspect: the server says that it is for what the call held (blames_content), not that it is ill.
  bool content = false;
};

// `code` is a gRPC status code as an integer; unknown numbers count as UNKNOWN.
// `ours`: the call ended because we cancelled it.
Verdict verdict_of(int code, bool ours);

// Whether a status says that the request is wrong whatever the state of the server: INVALID_ARGUMENT, OUT_OF_RANGE. A
// real one answers UNKNOWN to most of what it cannot take, which may as well be its own trouble.
bool blames_content(int code);

// "UNAVAILABLE" and so on; "UNKNOWN" for numbers without a name.
std::string_view status_name(int code);

std::string_view to_text(Verdict verdict);

}  // namespace sidecar
