#include "session/session_state.h"

#include <doctest/doctest.h>

using namespace sidecar;
using S = SessionState;
using E = SessionEvent;
using A = SessionAction;

TEST_SUITE("session/session_state") {
  // The whole table, written a second time in another order: by event.
  TEST_CASE("every state answers every event as drawn") {
    struct Cell {
      S state;
      E event;
      SessionStep expected;
    };
    const Cell cells[] = {
        {S::waiting, E::collector_ready, {S::announcing, A::announce}},
        {S::announcing, E::collector_ready, {S::announcing, A::announce}},
        {S::live, E::collector_ready, {S::announcing, A::announce}},
        {S::ended, E::collector_ready, {S::ended, A::none}},
        {S::waiting, E::collector_lost, {S::waiting, A::none}},
        {S::announcing, E::collector_lost, {S::waiting, A::cancel}},
        {S::live, E::collector_lost, {S::waiting, A::cancel}},
        {S::ended, E::collector_lost, {S::ended, A::none}},
        {S::waiting, E::answered_ok, {S::waiting, A::none}},
        {S::announcing, E::answered_ok, {S::live, A::schedule_beat}},
        {S::live, E::answered_ok, {S::live, A::schedule_beat}},
        {S::ended, E::answered_ok, {S::ended, A::none}},
        {S::waiting, E::answered_failed, {S::waiting, A::none}},
        {S::announcing, E::answered_failed, {S::announcing, A::schedule_retry}},
        {S::live, E::answered_failed, {S::announcing, A::schedule_retry}},
        {S::ended, E::answered_failed, {S::ended, A::none}},
        {S::waiting, E::tick, {S::waiting, A::none}},
        {S::announcing, E::tick, {S::announcing, A::announce}},
        {S::live, E::tick, {S::live, A::beat}},
        {S::ended, E::tick, {S::ended, A::none}},
        {S::waiting, E::ended, {S::ended, A::cancel}},
        {S::announcing, E::ended, {S::ended, A::cancel}},
        {S::live, E::ended, {S::ended, A::cancel}},
        {S::ended, E::ended, {S::ended, A::none}},
    };
    CHECK(std::size(cells) == kSessionStates * kSessionEvents);
    for (const Cell& cell : cells) {
      CAPTURE(static_cast<int>(cell.state));
      CAPTURE(static_cast<int>(cell.event));
      CHECK(step(cell.state, cell.event) == cell.expected);
    }
  }

  TEST_CASE("every state has a name of its own") {
    for (int a = 0; a < kSessionStates; ++a)
      for (int b = 0; b < a; ++b) CHECK(to_text(static_cast<S>(a)) != to_text(static_cast<S>(b)));
  }
}
