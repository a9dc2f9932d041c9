// The daemon as a service manager runs it: sockets opened before it, and told how it is.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>

#include "app_process.h"
#include "arrivals.h"
#include "manager.h"

using namespace sidecar;
using namespace sidecar::test;
using namespace std::chrono_literals;

namespace {

ino_t inode_of(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

}  // namespace

TEST_SUITE("integration/service") {
  TEST_CASE("applications that were there first are served, and the sockets outlive the daemon") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    const ino_t ingest = inode_of(daemon.socket());
    const ino_t control = inode_of(daemon.control());
    IdleApp app(daemon.socket(), "early", 20);
    // One that has come and gone before there is a daemon is not lost either.
    CHECK(run_app(daemon, "gone", 5) == 0);
    manager.start();
    CHECK(wait_until([&] { return all_arrived_once(collector, "early", 20); }));
    CHECK(wait_until([&] { return all_arrived_once(collector, "gone", 5); }));
    const auto knows_settled = [&](unsigned count) {
      return wait_until([&] { return app.flush(500) && app.stats()["settled"] == count; });
    };
    CHECK(knows_settled(20));
    CHECK(daemon.status()["daemon"]["activated"] == true);
    CHECK(daemon.status()["daemon"]["socket"] == daemon.socket());
    for (unsigned restarts = 1; restarts <= 2; ++restarts) {
      CHECK(daemon.stop() == 0);
      CHECK(inode_of(daemon.socket()) == ingest);
      CHECK(inode_of(daemon.control()) == control);
      app.finish(10);
      CHECK(run_app(daemon, "between" + std::to_string(restarts), 5) == 0);
      manager.start();
      CHECK(wait_until([&] { return all_arrived_once(collector, "between" + std::to_string(restarts), 5); }));
      CHECK(knows_settled(20 + restarts * 10));
      CHECK(all_arrived_once(collector, "early", 20 + restarts * 10));
    }
    CHECK(app.stats()["dropped"] == 0);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("it says READY when it serves, how it is, and that it stops") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    Process process(
        [&] {
          std::vector<std::string> argv = manager.launcher();
          argv.insert(argv.end(), {program("sw-sidecar"), "--config", daemon.config()});
          return argv;
        }(),
        daemon.directory().path() + "/log", manager.environment());
    REQUIRE(manager.hears("READY=1\nSTATUS="));
    CHECK(daemon.status()["daemon"]["state"] == "serving");
    CHECK(manager.hears("STATUS=up: 0 instances, 0 delivered, 0 dropped\n"));
    process.signal(SIGTERM);
    CHECK(manager.hears("STOPPING=1\nSTATUS=stopping: "));
    CHECK(process.wait() == 0);
  }

  TEST_CASE("signs of life come while it runs, and none while it does not") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    CHECK(manager.hears("WATCHDOG=1"));
    daemon.process().signal(SIGSTOP);
    // What was sent before it stopped.
    REQUIRE(wait_until([&] {
      return read_file("/proc/" + std::to_string(daemon.process().pid()) + "/stat").find(") T ") != std::string::npos;
    }));
    manager.forget();
    CHECK_FALSE(manager.hears("WATCHDOG=1", 1s));
    daemon.process().signal(SIGCONT);
    CHECK(manager.hears("WATCHDOG=1"));
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("sockets under wrong names are refused with what to mend, and a status that stops a restart loop") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    std::string names;
    std::string mends;
    SUBCASE("exchanged") {
      names = "control:ingest";
      mends = "ListenStream=";
    }
    SUBCASE("the default name") {
      names = "sw-sidecar.socket:control";
      mends = "FileDescriptorName=";
    }
    std::vector<std::string> argv = manager.launcher(names);
    argv.insert(argv.end(), {program("sw-sidecar"), "--config", daemon.config()});
    std::string output;
    CHECK(run(argv, &output, manager.environment()) == 2);
    CAPTURE(output);
    CHECK(output.find(mends) != std::string::npos);
    CHECK_FALSE(manager.hears("READY=1", 10ms));
    CHECK(inode_of(daemon.socket()) != 0);
  }

  TEST_CASE("a daemon started by hand beside the service is refused") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    std::string output;
    CHECK(run({program("sw-sidecar"), "--config", daemon.config()}, &output) == 1);
    CAPTURE(output);
    CHECK(output.find("listens here") != std::string::npos);
    CHECK(run_app(daemon, "first", 5) == 0);
    CHECK(wait_until([&] { return all_arrived_once(collector, "first", 5); }));
  }
}
