// sidecarctl as an operator uses it.

#include <doctest/doctest.h>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

TEST_SUITE("integration/status") {
  TEST_CASE("status shows the daemon, the collector, every instance and its account") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 3);
    REQUIRE(wait_until([&] { return daemon.totals().value("delivered", 0) == 3; }));
    std::string text;
    CHECK(run({program("sidecarctl"), "--socket", daemon.control(), "status"}, &text) == 0);
    CAPTURE(text);
    CHECK(text.find("serving") != std::string::npos);
    CHECK(text.find(collector.address()) != std::string::npos);
    CHECK(text.find("shop@") != std::string::npos);
    CHECK(text.find("live") != std::string::npos);

    const nlohmann::json all = daemon.status();
    CHECK(all["schema"] == 1);
    CHECK(all["collector"]["state"] == "up");
    CHECK(all["collector"]["dialect"] == "v3");
    CHECK(all["channels"].size() == 8);
    const auto instances = daemon.instances("shop");
    REQUIRE(instances.size() == 1);
    const nlohmann::json& ledger = instances[0]["ledger"];
    CHECK(ledger["received"] ==
          ledger["delivered"].get<int>() + ledger["held"].get<int>() + ledger["dropped_total"].get<int>());
    CHECK(ledger["balanced"] == true);
    REQUIRE(instances[0]["sessions"].size() == 1);
    CHECK(instances[0]["sessions"][0]["pid"] == app.process().pid());
    CHECK(instances[0]["sessions"][0]["client"]["created"].is_number());
  }

  TEST_CASE("without a daemon the tool says what to do and ends with 3") {
    TemporaryDirectory directory;
    std::string text;
    CHECK(run({program("sidecarctl"), "--socket", directory.path() + "/control.sock", "status"}, &text) == 3);
    CAPTURE(text);
    CHECK(text.find("control.sock") != std::string::npos);
    CHECK(text.find("running") != std::string::npos);
  }

  TEST_CASE("what it does not know ends with 2, --help with 0") {
    std::string text;
    CHECK(run({program("sidecarctl"), "frobnicate"}, &text) == 2);
    CHECK(run({program("sidecarctl"), "--help"}, &text) == 0);
    CHECK(text.find("status") != std::string::npos);
  }
}
