#pragma once

// The life of one service instance towards the collector, as a pure table:
// (state, event) -> (state, action). No I/O, no time; InstanceSession acts on it.
//
//                 collector_ready                  answered_ok
//    +---------+ ----------------> +------------+ -------------> +------+ --+ tick: beat
//    | waiting |                   | announcing |                | live |   |
//    +---------+ <---------------- +------------+ <------------- +------+ <-+
//         ^        collector_lost    |  ^      answered_failed,     |
//         |                          +--+      collector_ready      |
//         |            answered_failed: retry later, tick: announce |
//         +---------------------------------------------------------+
//                              collector_lost
//
//    any -- ended --> ended, which nothing leaves
//
// A generation with integer ids adds its states here.

#include <string_view>

namespace sidecar {

enum class SessionState {
  waiting,     // the collector is not ready; nothing is in flight
  announcing,  // properties and heartbeat are on their way, or will be tried again
  live,        // the collector has confirmed both; beating
  ended,       // the process has left or died
};
inline constexpr int kSessionStates = 4;

enum class SessionEvent {
  collector_ready,  // connected, for the first time or again
  collector_lost,
  answered_ok,      // everything that was in flight was answered with OK
  answered_failed,  // something was not
  tick,             // the timer that an action armed
  ended,            // BYE, or the death of the last process of the instance
};
inline constexpr int kSessionEvents = 6;

enum class SessionAction {
  none,
  announce,        // send properties and keepAlive
  beat,            // send keepAlive, each n-th time with properties
  schedule_beat,   // arm the timer: one beat interval
  schedule_retry,  // arm the timer: back-off
  cancel,          // drop calls and timer
};

struct SessionStep {
  SessionState state;
  SessionAction action;
  bool operator==(const SessionStep&) const = default;
};

SessionStep step(SessionState state, SessionEvent event);

std::string_view to_text(SessionState state);

}  // namespace sidecar
