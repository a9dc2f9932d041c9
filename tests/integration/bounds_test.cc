// The collector hangs and the carrier fills up: memory stays within its bound, what happens at the bound is what the
// strategy says, and everything is counted.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

constexpr std::uint64_t kMemory = 1 << 20;
constexpr unsigned long kSegments = 3000;  // more than the carrier holds, less than an application's buffer does

struct FullHost {
  explicit FullHost(const std::string& strategy)
      : daemon(collector.address(), "carrier: {memory: 1MiB, strategy: " + strategy + "}\n" + kFastBatches,
               std::string(", deadline: 10m") + kFastConnecting) {
    daemon.start();
    collector.misbehave({.fault = Fault::hang});
    app.emplace(daemon.socket(), "flood", kSegments);
    // Until nothing moves any more: all that was sent has been taken, or the carrier is full.
    CHECK(wait_until([&] {
      app->flush(100);
      const nlohmann::json all = daemon.status();
      if (!all.is_object()) return false;
      highest = std::max(highest, all["carrier"]["bytes"].get<std::uint64_t>());
      const std::uint64_t received = all["totals"]["received"];
      return received == kSegments || all["socket"]["blocked"] == 1;
    }));
  }

  nlohmann::json totals() const { return daemon.status()["totals"]; }

  // The collector is well again: what was held arrives, and the account closes.
  nlohmann::json relieved() {
    collector.behave();
    nlohmann::json totals;
    CHECK(wait_until([&] {
      app->flush(100);
      totals = daemon.totals();
      return totals.is_object() && totals["received"] == kSegments && totals["held"] == 0;
    }));
    CAPTURE(totals.dump());
    CHECK(totals["balanced"] == true);
    CHECK(totals["delivered"].get<std::uint64_t>() + totals["dropped_total"].get<std::uint64_t>() == kSegments);
    CHECK(arrivals(collector, "flood").size() == totals["delivered"].get<std::uint64_t>());
    CHECK(app->stats()["dropped"] == 0);
    CHECK(app->exit() == 0);
    return totals;
  }

  TestCollector collector;
  Daemon daemon;
  std::optional<IdleApp> app;
  std::uint64_t highest = 0;
};

}  // namespace

TEST_SUITE("integration/bounds") {
  TEST_CASE("blocking: what does not fit stays with the application, and all of it arrives") {
    FullHost host("blocking");
    CHECK(host.highest <= kMemory);
    CHECK(host.totals()["dropped_total"] == 0);
    CHECK(host.totals()["received"].get<unsigned long>() < kSegments);
    CHECK(host.relieved()["delivered"] == kSegments);
  }

  TEST_CASE("if-possible: the newest are dropped and counted, the oldest arrive") {
    FullHost host("if-possible");
    CHECK(host.highest <= kMemory);
    const nlohmann::json totals = host.relieved();
    const auto dropped = totals["dropped"]["channel_full"].get<unsigned long>();
    CHECK(dropped > 0);
    CHECK(totals["dropped_total"] == dropped);
    const auto came = arrivals(host.collector, "flood");
    CHECK(came.begin()->first == 1);
    CHECK(came.rbegin()->first == kSegments - dropped);
  }

  TEST_CASE("override: the oldest are dropped and counted, the newest arrive") {
    FullHost host("override");
    CHECK(host.highest <= kMemory);
    const nlohmann::json totals = host.relieved();
    CHECK(totals["dropped"]["overridden"].get<unsigned long>() > 0);
    CHECK(totals["dropped_total"] == totals["dropped"]["overridden"]);
    CHECK(arrivals(host.collector, "flood").rbegin()->first == kSegments);
  }
}
