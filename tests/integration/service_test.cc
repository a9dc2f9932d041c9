// The daemon as a service manager runs it: sockets opened before it, and told how it is.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>

#include "app_process.h"
#include "arrivals.h"
#include "manager_socket.h"

using namespace sidecar;
using namespace sidecar::test;
using namespace std::chrono_literals;

namespace {

// Opens the sockets and keeps them, starts the daemon with them, and hears what it says.
class Manager {
 public:
  explicit Manager(Daemon& daemon)
      : daemon_(daemon),
        ingest_(open_socket(daemon.socket(), SOCK_SEQPACKET)),
        control_(open_socket(daemon.control(), SOCK_STREAM)),
        notify_(notify_path()) {}

  // What it runs the daemon by: `first` and `second` become its descriptors 3 and 4.
  // What it was asked to store follows.
  std::vector<std::string> launcher(std::string names = "ingest:control") {
    std::string moves = "exec 3<&" + std::to_string(ingest_.get()) + " 4<&" + std::to_string(control_.get());
    notify_.hear_all();
    given_.clear();
    int number = 5;
    for (const auto& [name, fd] : notify_.store()) {
      given_.emplace_back(fcntl(fd.get(), F_DUPFD, 50));
      moves += " " + std::to_string(number++) + "<&" + std::to_string(given_.back().get());
      names += ":" + name;
    }
    return {"/bin/bash", "-c",
            moves + "; LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(number - 3) + " LISTEN_FDNAMES=" + names +
                " exec \"$0\" \"$@\""};
  }
  // As systemd does when the service is stopped and not started again.
  void empty_store() {
    notify_.hear_all();
    notify_.store().clear();
    given_.clear();
  }
  std::size_t stored() {
    heard_ += notify_.hear_all();
    return notify_.store().size();
  }
  std::vector<std::string> environment() const { return {"NOTIFY_SOCKET=" + notify_path(), "WATCHDOG_USEC=300000"}; }
  void start() {
    daemon_.start(launcher(), environment());
    given_.clear();
  }

  // Whether it says so within the limit; that and what it said before is forgotten.
  bool hears(const std::string& what, std::chrono::milliseconds limit = kLimit) {
    return wait_until(
        [&] {
          heard_ += notify_.hear_all();
          const std::size_t at = heard_.find(what);
          if (at != std::string::npos) heard_.erase(0, at + what.size());
          return at != std::string::npos;
        },
        limit);
  }
  void forget() {
    notify_.hear_all();
    heard_.clear();
  }

 private:
  static ScopedFd open_socket(const std::string& path, int type) {
    ScopedFd made(socket(AF_UNIX, type, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(made.get(), 64) == 0);
    // High, and not close-on-exec: the launcher finds it there.
    return ScopedFd(fcntl(made.get(), F_DUPFD, 50));
  }
  std::string notify_path() const { return daemon_.directory().path() + "/notify"; }

  Daemon& daemon_;
  ScopedFd ingest_;
  ScopedFd control_;
  ManagerSocket notify_;
  std::vector<ScopedFd> given_;
  std::string heard_;
};

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

  TEST_CASE("a daemon that is killed is followed by one that goes on with its connections, idle ones included") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    IdleApp idle(daemon.socket(), "idle", 3);
    IdleApp busy(daemon.socket(), "busy", 3);
    IdleApp dying(daemon.socket(), "dying", 3);
    for (IdleApp* app : {&idle, &busy, &dying})
      REQUIRE(wait_until([&] { return app->flush(500) && app->stats()["settled"] == 3; }));
    // Two tables and three connections; the second table comes with the next change or its time.
    REQUIRE(wait_until([&] { return manager.stored() >= 4; }));
    CHECK(daemon.status()["daemon"]["stored"] == 3);

    daemon.kill();
    busy.finish(20);
    dying.finish(20);
    dying.process().signal(SIGKILL);
    dying.process().wait();
    manager.start();
    CHECK(daemon.status()["daemon"]["inherited"] == 3);
    // Not a word from it, and it is there and registered.
    CHECK(wait_until([&] {
      const auto found = daemon.instances("idle");
      return found.size() == 1 && found[0]["registration"] == "live" && found[0]["sessions"][0]["connected"] == true;
    }));
    CHECK(wait_until([&] { return all_arrived_once(collector, "dying", 23); }));
    CHECK(wait_until([&] { return all_arrived_once(collector, "busy", 23); }));
    busy.finish(10);
    CHECK(wait_until([&] { return busy.flush(500) && busy.stats()["settled"] == 33; }));
    CHECK(all_arrived_once(collector, "busy", 33));
    idle.finish(4);
    CHECK(wait_until([&] { return idle.flush(500) && idle.stats()["settled"] == 7; }));
    CHECK(all_arrived_once(collector, "idle", 7));
    for (IdleApp* app : {&idle, &busy}) {
      CHECK(app->stats()["dropped"] == 0);
      CHECK(app->exit() == 0);
    }
    CHECK(daemon.totals()["balanced"] == true);
    // What has ended is not kept; the tables are.
    CHECK(wait_until([&] { return daemon.status()["daemon"]["stored"] == 0 && manager.stored() <= 2; }));
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("what a killed daemon had taken and not delivered comes again, also from a process that only ends") {
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    bool kept = false;
    SUBCASE("its connection was kept") { kept = true; }
    SUBCASE("its connection was not kept") {}
    IdleApp app(daemon.socket(), "ends", 3);
    REQUIRE(wait_until([&] { return app.flush(500) && app.stats()["settled"] == 3; }));
    REQUIRE(wait_until([&] { return manager.stored() >= 2; }));
    collector.misbehave({.fault = Fault::hang});
    app.finish(50);
    REQUIRE(wait_until([&] {
      app.flush(100);
      return daemon.totals().value("received", 0) == 53;
    }));
    daemon.kill();
    collector.behave();
    if (!kept) manager.empty_store();
    manager.start();
    CHECK(daemon.status()["daemon"]["inherited"] == (kept ? 1 : 0));
    CHECK(app.exit() == 0);
    CHECK(wait_until([&] { return all_arrived(collector, "ends", 53); }, 10s));
  }

  TEST_CASE("killed or restarted again and again under load, nothing is lost and applications keep their connection") {
    bool killed = false;
    SUBCASE("killed") { killed = true; }
    SUBCASE("restarted") {}
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    IdleApp one(daemon.socket(), "one", 1);
    IdleApp other(daemon.socket(), "other", 1);
    REQUIRE(wait_until([&] { return manager.stored() >= 3; }));
    unsigned long finished = 1;
    for (unsigned round = 0; round < 5; ++round) {
      for (IdleApp* app : {&one, &other}) app->finish(100);
      if (killed)
        daemon.kill();
      else
        CHECK(daemon.stop() == 0);
      for (IdleApp* app : {&one, &other}) app->finish(50);
      manager.start();
      CHECK(daemon.status()["daemon"]["inherited"] == 2);
      finished += 150;
    }
    for (IdleApp* app : {&one, &other})
      CHECK(wait_until([&] { return app->flush(500) && app->stats()["settled"] == finished; }));
    for (const char* service : {"one", "other"}) {
      CHECK(all_arrived(collector, service, finished));
      unsigned long duplicates = 0;
      for (const auto& [number, times] : arrivals(collector, service)) duplicates += times - 1;
      MESSAGE(std::string(service) << ": " << finished << " segments, " << duplicates << " of them twice");
    }
    for (IdleApp* app : {&one, &other}) {
      CHECK(app->stats()["dropped"] == 0);
      CHECK(app->stats()["reconnects"] == 0);
      CHECK(app->exit() == 0);
    }
  }
}
