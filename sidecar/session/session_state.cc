#include "session/session_state.h"

namespace sidecar {
namespace {

using S = SessionState;
using A = SessionAction;

// Rows: states; columns: events in the order of the enumeration.
// clang-format off
constexpr SessionStep kTable[kSessionStates][kSessionEvents] = {
    // collector_ready           collector_lost           answered_ok                  answered_failed                    tick                         ended
    {{S::announcing, A::announce}, {S::waiting, A::none},   {S::waiting, A::none},       {S::waiting, A::none},             {S::waiting, A::none},       {S::ended, A::cancel}},
    {{S::announcing, A::announce}, {S::waiting, A::cancel}, {S::live, A::schedule_beat}, {S::announcing, A::schedule_retry}, {S::announcing, A::announce}, {S::ended, A::cancel}},
    {{S::announcing, A::announce}, {S::waiting, A::cancel}, {S::live, A::schedule_beat}, {S::announcing, A::schedule_retry}, {S::live, A::beat},          {S::ended, A::cancel}},
    {{S::ended, A::none},          {S::ended, A::none},     {S::ended, A::none},         {S::ended, A::none},               {S::ended, A::none},         {S::ended, A::none}},
};
// clang-format on

}  // namespace

SessionStep step(SessionState state, SessionEvent event) {
  return kTable[static_cast<int>(state)][static_cast<int>(event)];
}

std::string_view to_text(SessionState state) {
  switch (state) {
    case SessionState::waiting:
      return "waiting";
    case SessionState::announcing:
      return "announcing";
    case SessionState::live:
      return "live";
    case SessionState::ended:
      return "ended";
  }
  return "?";
}

}  // namespace sidecar
