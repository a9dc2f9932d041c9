#include "lifecycle/shutdown.h"

#include "parts.h"

using namespace sidecar;
using namespace std::chrono_literals;

TEST_SUITE("lifecycle/shutdown") {
  TEST_CASE("what is held is sent before it ends") {
    Parts parts;
    parts.collector.set_ready(true);
    const AgentPtr agent = parts.session("shop", 5);
    int stopped = 0;
    Shutdown shutdown(parts.shutdown_parts(), 10s, [&](std::size_t) { ++stopped; });
    CHECK(parts.server.status().draining);
    parts.loop.advance(Shutdown::kDrainWindow + Shutdown::kLook + 1ms);
    CHECK(stopped == 1);
    CHECK(agent->ledger.counts().delivered == 5);
    CHECK(report_left(parts.carrier, parts.pipeline, 0).nothing());
  }

  TEST_CASE("with the collector away it ends at the deadline, and what is left is said and stays unsettled") {
    Parts parts;
    const AgentPtr agent = parts.session("shop", 5);
    int stopped = 0;
    Shutdown shutdown(parts.shutdown_parts(), 2s, [&](std::size_t) { ++stopped; });
    parts.loop.advance(1'900ms);
    CHECK(stopped == 0);
    parts.loop.advance(200ms);
    CHECK(stopped == 1);
    CHECK(report_left(parts.carrier, parts.pipeline, 0).segments == 5);
    CHECK_FALSE(report_left(parts.carrier, parts.pipeline, 0).nothing());
    CHECK(agent->ledger.settled() == 0);  // its shim still keeps all of it
    parts.loop.advance(1min);
    CHECK(stopped == 1);
  }

  TEST_CASE("a deadline of nothing ends at once") {
    Parts parts;
    parts.session("shop", 1);
    bool stopped = false;
    Shutdown shutdown(parts.shutdown_parts(), 0s, [&](std::size_t) { stopped = true; });
    parts.loop.advance(1ms);
    CHECK(stopped);
  }
}
