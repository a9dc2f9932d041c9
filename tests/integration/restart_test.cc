// The daemon stops, dies, comes back, or finds another one in its place.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

constexpr const char* kQuickStop = "shutdown: {deadline: 500ms}\n";

}  // namespace

TEST_SUITE("integration/restart") {
  TEST_CASE("SIGTERM sends what is held, then ends with 0") {
    TestCollector collector;
    Daemon daemon(collector.address(), "batch: {age: 10s}\n");  // nothing would leave by itself in time
    daemon.start();
    IdleApp app(daemon.socket(), "held", 30);
    REQUIRE(app.flush(10'000));
    CHECK(arrivals(collector, "held").empty());
    CHECK(daemon.stop() == 0);
    CHECK(all_arrived_once(collector, "held", 30));
    CHECK(daemon.log().find("everything delivered") != std::string::npos);
  }

  TEST_CASE("SIGTERM with the collector away says what is left, and the next daemon gets it from the application") {
    TestCollector collector;
    Daemon daemon(collector.address(), kQuickStop);
    daemon.start();
    IdleApp app(daemon.socket(), "patient", 10);
    REQUIRE(wait_until([&] { return all_arrived_once(collector, "patient", 10); }));
    REQUIRE(wait_until([&] { return app.stats()["settled"] == 10; }));
    collector.close();
    app.finish(20);
    REQUIRE(app.flush(10'000));
    CHECK(daemon.stop() == 3);
    CHECK(daemon.log().find("20 segments not delivered") != std::string::npos);
    CHECK(daemon.log().find("patient") != std::string::npos);
    collector.open();
    daemon.start();
    CHECK(wait_until([&] {
      app.flush(500);
      return all_arrived_once(collector, "patient", 30);
    }));
    CHECK(app.exit() == 0);
  }

  TEST_CASE("what a dead process left in its socket for want of room is read and sent before the daemon ends") {
    TestCollector collector;
    Daemon daemon(collector.address(), "carrier: {channels: 1, slots: 256}\n");
    daemon.start();
    collector.misbehave({.fault = Fault::hang});
    IdleApp app(daemon.socket(), "dead", 0);
    // Until neither the carrier nor the socket takes any more.
    std::uint64_t sent = 0;
    REQUIRE(wait_until([&] {
      app.finish(50);
      const std::uint64_t before = std::exchange(sent, app.stats()["sent"].get<std::uint64_t>());
      return sent == before && sent > daemon.totals().value("received", std::uint64_t{0});
    }));
    app.process().signal(SIGKILL);
    app.process().wait();
    daemon.process().signal(SIGTERM);
    REQUIRE(wait_until([&] { return daemon.status()["daemon"]["state"] == "draining"; }));
    collector.behave();
    CHECK(daemon.process().wait() == 0);
    CAPTURE(daemon.log());
    CHECK(arrivals(collector, "dead").size() == sent);
  }

  TEST_CASE("a daemon killed with -9 is replaced without loss") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();
    IdleApp app(daemon.socket(), "steady", 0);
    collector.misbehave({.fault = Fault::hang});
    app.finish(50);
    REQUIRE(wait_until([&] {
      app.flush(100);
      return daemon.totals().value("received", 0) == 50;
    }));
    daemon.kill();
    app.finish(10);
    collector.behave();
    daemon.start();  // the stale socket is ours, and is replaced
    CHECK(wait_until([&] {
      app.flush(500);
      return all_arrived(collector, "steady", 60);
    }));
    CHECK(app.stats()["dropped"] == 0);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a second daemon on the same socket is refused and the first is unharmed") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();
    std::string output;
    CHECK(run({program("sw-sidecar"), "--config", daemon.config()}, &output) == 1);
    CAPTURE(output);
    CHECK(output.find("another sw-sidecar") != std::string::npos);
    CHECK(run_app(daemon, "first", 5) == 0);
    CHECK(wait_until([&] { return all_arrived_once(collector, "first", 5); }));
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("a file in the socket's place that is not a socket is refused, not removed") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.directory().write("ingest.v1.sock", "precious");
    std::string output;
    CHECK(run({program("sw-sidecar"), "--config", daemon.config()}, &output) == 1);
    CAPTURE(output);
    CHECK(output.find("not a socket") != std::string::npos);
    CHECK(read_file(daemon.socket()) == "precious");
  }

  TEST_CASE("stopping leaves no file behind") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();
    CHECK(daemon.stop() == 0);
    CHECK_FALSE(std::filesystem::exists(daemon.socket()));
    CHECK_FALSE(std::filesystem::exists(daemon.control()));
  }

  TEST_CASE("a second signal stops at once") {
    TestCollector collector;
    Daemon daemon(collector.address(), "shutdown: {deadline: 10m}\n");
    daemon.start();
    collector.misbehave({.fault = Fault::hang});
    IdleApp app(daemon.socket(), "stuck", 5);
    REQUIRE(app.flush(10'000));
    daemon.process().signal(SIGTERM);
    REQUIRE(wait_until([&] { return daemon.status()["daemon"]["state"] == "draining"; }));
    daemon.process().signal(SIGTERM);
    CHECK(daemon.process().wait() == 3);
  }
}
