#include "lifecycle/held.h"

#include "parts.h"

using namespace sidecar;
using namespace std::chrono_literals;

TEST_SUITE("lifecycle/held") {
  TEST_CASE("what waits in the carrier and what is in a call is held, by session") {
    Parts parts;
    parts.collector.hold_answers(true);
    const AgentPtr waiting = parts.session("waiting", 3);
    CHECK(parts.walk().total() == 3);
    parts.collector.set_ready(true);
    parts.loop.advance(300ms);  // into a call
    const AgentPtr later = parts.session("later", 2);
    const Held held = parts.walk();
    CHECK(parts.carrier.held() == 2);
    CHECK(held.of(*waiting) == 3);
    CHECK(held.of(*later) == 2);
    CHECK(held.total() == 5);
    CHECK(held.balances(*waiting));
    CHECK(held.balances(*later));
    parts.collector.answer_all();
    parts.collector.hold_answers(false);
    parts.loop.advance(1s);
    CHECK(parts.walk().total() == 0);
    CHECK(parts.walk().balances(*waiting));
  }

  TEST_CASE("a segment that is leaked on purpose shows") {
    Parts parts;
    const AgentPtr agent = parts.session("leaky", 3);
    CHECK(parts.walk().balances(*agent));
    parts.carrier.take_batch(parts.carrier.channel_of(*agent), 1, 1 << 20);  // taken, neither delivered nor dropped
    CHECK_FALSE(parts.walk().balances(*agent));
    CHECK(parts.agents.totals().owed() != parts.walk().total());
  }
}
