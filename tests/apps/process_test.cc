// Programs that start, end and change in other ways than a server does.

#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "apps.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

std::chrono::milliseconds time_of_brief(const std::string& socket) {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(run({program("brief"), "brief"}, nullptr, {"SW_SIDECAR_SOCKET=" + socket}) == 7);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_SUITE("apps/process") {
  TEST_CASE("a program that is over in some milliseconds is seen whole, each time") {
    Host host;
    constexpr unsigned kTimes = 20;
    std::chrono::milliseconds longest{};
    for (unsigned i = 0; i < kTimes; ++i) longest = std::max(longest, time_of_brief(host.daemon.socket()));
    CHECK(wait_until([&] { return arrivals(host.collector, "brief")[1] == kTimes; }));
    check_all_delivered(host.daemon, kTimes);
    MESSAGE("start to end, at most: ", longest.count(), " ms");
    CHECK(longest < std::chrono::milliseconds(10 * 200));
  }

  TEST_CASE("without a sidecar a program ends as fast") {
    const TemporaryDirectory nobody;
    const auto time = time_of_brief(nobody.path() + "/ingest.v1.sock");
    MESSAGE("start to end: ", time.count(), " ms");
    CHECK(time < std::chrono::milliseconds(10 * 200));
  }

  TEST_CASE("a program that executes itself goes on as the same instance, and inherits no descriptor") {
    Host host;
    Attended app({program("exec_self"), "exec"}, {host.environment()});
    const nlohmann::json account = app.account();
    CAPTURE(account.dump());
    REQUIRE(account.is_object());
    CHECK(account["leaked"] == 0);
    CHECK(account["flushed"] == true);
    CHECK(account["pid"] == app.process().pid());
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "exec", 10); }));
    check_all_delivered(host.daemon, 10);
    // one live instance, under the name that it had before
    const auto instances = host.daemon.instances("exec");
    unsigned connected = 0;
    for (const auto& instance : instances) {
      for (const auto& session : instance["sessions"]) {
        CHECK(session["pid"] == app.process().pid());
        connected += session["connected"] == true ? 1 : 0;
      }
    }
    CHECK(connected == 1);
    std::set<std::string> names;
    for (const auto& segment : host.collector.store().segments()) names.insert(segment.service_instance());
    CAPTURE(nlohmann::json(instances).dump());
    CHECK(names.size() == 1);
    CHECK(app.end() == 8);
  }

  TEST_CASE("a program that closes all descriptors and uses their numbers is not written into, and loses nothing") {
    Host host;
    const TemporaryDirectory files;
    std::string output;
    CHECK(run({program("closes_all"), "closing", files.path()}, &output, {host.environment()}) == 9);
    const nlohmann::json account = last_account(output);
    CAPTURE(output);
    REQUIRE(account.is_object());
    CHECK(account["connection"] >= 0);  // else nothing was tried
    CHECK(account["clean"] == true);
    CHECK(account["flushed"] == true);
    CHECK(account["dropped"] == 0);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "closing", 20); }));
    check_all_delivered(host.daemon, 20);
  }

  TEST_CASE("a loop that calls on_idle() has handed over a burst before it is killed") {
    Host host;
    Attended app({program("event_loop"), "loop", "idle"}, {host.environment()});
    REQUIRE(app.line() == "ready");
    host.daemon.process().signal(SIGSTOP);
    app.say("burst 1000");
    const nlohmann::json account = app.account();
    host.daemon.process().signal(SIGCONT);
    CAPTURE(account.dump());
    REQUIRE(account.is_object());
    CHECK(account["waiting"] > 0);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "loop", 1000); }));
    app.process().signal(SIGKILL);
    app.process().wait();
    check_all_delivered(host.daemon, 1000);
  }

  TEST_CASE("a loop that falls silent after a burst loses with kill -9 exactly what waits in it") {
    Host host;
    Attended app({program("event_loop"), "loop", "silent"}, {host.environment()});
    REQUIRE(app.line() == "ready");
    host.daemon.process().signal(SIGSTOP);
    app.say("burst 1000");
    const nlohmann::json account = app.account();
    host.daemon.process().signal(SIGCONT);
    CAPTURE(account.dump());
    REQUIRE(account.is_object());
    const unsigned long sent = account["sent"];
    const unsigned long waiting = account["waiting"];
    CHECK(sent + waiting == 1000);
    CHECK(waiting > 0);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "loop", sent); }));
    app.process().signal(SIGKILL);
    app.process().wait();
    check_all_delivered(host.daemon, sent);
    CHECK(all_arrived_once(host.collector, "loop", sent));
    MESSAGE("of a burst of 1000, handed over ", sent, ", lost ", waiting);
  }

  TEST_CASE("a loop that ends by flush() loses nothing of a burst") {
    Host host;
    Attended app({program("event_loop"), "loop", "silent"}, {host.environment()});
    REQUIRE(app.line() == "ready");
    app.say("burst 1000");
    CHECK(app.account().is_object());
    CHECK(app.end() == 0);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "loop", 1000); }));
    check_all_delivered(host.daemon, 1000);
  }
}
