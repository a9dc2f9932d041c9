#include "lifecycle/service_status.h"

#include "parts.h"

using namespace sidecar;
using namespace std::chrono_literals;

TEST_SUITE("lifecycle/service_status") {
  TEST_CASE("with a collector the line counts instances and what was delivered and dropped") {
    Parts parts;
    parts.collector.set_ready(true);
    parts.loop.run_until_idle();
    CHECK(service_status(parts.sources(), DaemonFacts{}) == "up: 0 instances, 0 delivered, 0 dropped");
    const AgentPtr shop = parts.session("shop", 0);
    CHECK(service_status(parts.sources(), DaemonFacts{}) == "up: 1 instance, 0 delivered, 0 dropped");
    // two sessions of one instance are one, and a session that has left is none
    parts.session("shop", 0);
    parts.session("till", 0);
    parts.session("gone", 0)->connected = false;
    for (std::uint64_t seq = 1; seq <= 1'204'332; ++seq) {
      REQUIRE(shop->ledger.receive(seq) == Ledger::Receipt::fresh);
      if (seq <= 1000)
        shop->ledger.drop(seq, DropReason::malformed);
      else
        shop->ledger.deliver(seq);
    }
    CHECK(service_status(parts.sources(), DaemonFacts{}) == "up: 2 instances, 1,203,332 delivered, 1,000 dropped");
  }

  TEST_CASE("without one it says since when, and what is held") {
    Parts parts;
    parts.collector.set_ready(true);
    parts.loop.run_until_idle();
    parts.collector.set_ready(false);
    parts.session("shop", 3);
    parts.loop.advance(1h);
    const std::string line = service_status(parts.sources(), DaemonFacts{});
    CAPTURE(line);
    CHECK(line.find(" away since 2026-11-23 22:05:00 UTC: 1 instance, 3 held, 0 dropped") != std::string::npos);
  }

  TEST_CASE("before the first connection it is connecting, and while stopping it is stopping") {
    Parts parts;
    CHECK(service_status(parts.sources(), DaemonFacts{}).starts_with("connecting to collector"));
    parts.collector.set_ready(true);
    parts.session("shop", 2);
    DaemonFacts daemon;
    daemon.draining = true;
    CHECK(service_status(parts.sources(), daemon) == "stopping: 1 instance, 2 held, 0 dropped");
  }
}
