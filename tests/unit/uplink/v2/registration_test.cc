#include "uplink/v2/registration.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace sidecar::v2;
using State = RegistrationState;
using Event = RegistrationEvent;

namespace {

// "state event" -> "state next [take] [forget]", as a person would write it down; all others stay as they are and wait.
const std::map<std::string, std::string> kExpected = {
    {"unregistered renewed", "asking service now"},
    {"unregistered due", "asking service now"},
    {"asking service renewed", "asking service now"},
    {"asking service lost", "unregistered rest"},
    {"asking service due", "asking service now"},
    {"asking service service_same", "asking instance now take"},
    {"asking service service_other", "asking instance now take"},
    {"asking service absent", "asking service soon"},
    {"asking service failed", "asking service soon"},
    {"asking instance renewed", "asking service now"},
    {"asking instance lost", "unregistered rest"},
    {"asking instance due", "asking instance now"},
    {"asking instance instance_same", "confirmed check take"},
    {"asking instance instance_other", "confirmed check take"},
    {"asking instance absent", "asking instance soon"},
    {"asking instance stale", "asking service soon"},
    {"asking instance failed", "asking instance soon"},
    {"confirmed renewed", "confirming service now"},
    {"confirmed lost", "unconfirmed rest"},
    {"confirmed due", "confirming service now"},
    {"confirmed reset", "unregistered spread forget"},
    {"unconfirmed renewed", "confirming service now"},
    {"unconfirmed reset", "unregistered rest forget"},
    {"confirming service renewed", "confirming service now"},
    {"confirming service lost", "unconfirmed rest"},
    {"confirming service due", "confirming service now"},
    {"confirming service service_same", "confirming instance now"},
    {"confirming service service_other", "asking instance now take forget"},
    {"confirming service absent", "asking service soon forget"},
    {"confirming service failed", "confirming service soon"},
    {"confirming service reset", "unregistered spread forget"},
    {"confirming instance renewed", "confirming service now"},
    {"confirming instance lost", "unconfirmed rest"},
    {"confirming instance due", "confirming instance now"},
    {"confirming instance instance_same", "confirmed check"},
    {"confirming instance instance_other", "confirmed check take forget"},
    {"confirming instance absent", "asking instance soon forget"},
    {"confirming instance stale", "asking service soon forget"},
    {"confirming instance failed", "confirming instance soon"},
    {"confirming instance reset", "unregistered spread forget"},
};

constexpr const char* kEvents[] = {"renewed",       "lost",           "due",    "service_same", "service_other",
                                   "instance_same", "instance_other", "absent", "stale",        "failed",
                                   "reset"};
constexpr const char* kNext[] = {"wait", "now", "soon", "check", "rest", "spread"};

template <class Visit>
void for_each_cell(const Visit& visit) {
  for (std::size_t state = 0; state < kRegistrationStates; ++state)
    for (std::size_t event = 0; event < kRegistrationEvents; ++event)
      visit(static_cast<State>(state), static_cast<Event>(event));
}

std::string text(const RegistrationStep& step) {
  return std::string(to_text(step.state)) + " " + kNext[step.next] + (step.take ? " take" : "") +
         (step.forget ? " forget" : "");
}

}  // namespace

TEST_SUITE("uplink/v2/registration") {
  TEST_CASE("every cell of the table is what it should be, also those where nothing happens") {
    std::size_t seen = 0;
    for_each_cell([&](State state, Event event) {
      const std::string cell = std::string(to_text(state)) + " " + kEvents[static_cast<std::size_t>(event)];
      CAPTURE(cell);
      const auto expected = kExpected.find(cell);
      if (expected != kExpected.end()) ++seen;
      CHECK(text(step(state, event)) ==
            (expected != kExpected.end() ? expected->second : std::string(to_text(state)) + " wait"));
    });
    CHECK(seen == kExpected.size());
  }

  TEST_CASE("segments may go out only after an answer to the instance's name") {
    for_each_cell([](State state, Event event) {
      const bool enters = state != State::confirmed && step(state, event).state == State::confirmed;
      CHECK(enters == (asks_instance(state) && (event == Event::instance_same || event == Event::instance_other)));
    });
  }

  TEST_CASE("no answer but an id makes ask at once, so that nothing spins") {
    for (const Event event : {Event::absent, Event::stale, Event::failed, Event::reset})
      for (std::size_t state = 0; state < kRegistrationStates; ++state)
        CHECK(step(static_cast<State>(state), event).next != RegistrationStep::now);
  }

  TEST_CASE("what has been asked is never left without a time to ask again") {
    for_each_cell([](State state, Event event) {
      const auto next = step(state, event);
      if (next.state == state) return;
      const bool asks = asks_service(next.state) || asks_instance(next.state);
      CHECK(asks == (next.next == RegistrationStep::now || next.next == RegistrationStep::soon));
    });
  }

  TEST_CASE("from every state there is a way to confirmed") {
    for (std::size_t state = 0; state < kRegistrationStates; ++state) {
      State at = static_cast<State>(state);
      for (const Event event : {Event::renewed, Event::service_other, Event::instance_other})
        at = step(at, event).state;
      CHECK(at == State::confirmed);
    }
  }
}
