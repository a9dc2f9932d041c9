// What outlives the daemon: connections, sessions and their names, with a manager that keeps its descriptors.

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "app_process.h"
#include "arrivals.h"
#include "manager.h"

using namespace sidecar;
using namespace sidecar::test;
using namespace std::chrono_literals;

namespace {

// Under which instances segments arrived.
std::set<std::string> instance_names(const TestCollector& collector) {
  std::set<std::string> names;
  for (const auto& segment : collector.store().segments()) names.insert(segment.service_instance());
  return names;
}

// What a header says beside the ids of trace and segment: sampled, then from the span on.
std::string without_ids(const std::string& header) {
  std::size_t at = 0;
  for (unsigned dashes = 0; dashes < 3 && at != std::string::npos; ++dashes) at = header.find('-', at + 1);
  REQUIRE(at != std::string::npos);
  return header.substr(at);
}

}  // namespace

TEST_SUITE("integration/succession") {
  TEST_CASE("under whatever names, an idle application that says HELLO again is the instance that it was") {
    std::string naming;
    std::string service = "shop";
    SUBCASE("by default") {}
    SUBCASE("by a template") { naming = "naming: {instance: \"{exe}-{pid}-{uuid}\"}\n"; }
    SUBCASE("with a namespace and a cluster") { naming = "naming: {namespace: ns, cluster: cl}\n"; }
    SUBCASE("cut") {
      naming = "naming: {namespace: ns, cluster: cl}\n";
      service = std::string(160, 's');
    }
    TestCollector collector;
    Daemon daemon(collector.address(), naming);
    Manager manager(daemon);
    manager.start();
    IdleApp first(daemon.socket(), service, 1);
    IdleApp second(daemon.socket(), service, 1);
    const auto settle = [](IdleApp& app, unsigned long count) {
      return wait_until([&] { return app.flush(500) && app.stats()["settled"] == count; });
    };
    for (IdleApp* app : {&first, &second}) REQUIRE(settle(*app, 1));
    REQUIRE(wait_until([&] { return manager.stored() >= 3; }));
    const std::set<std::string> names = instance_names(collector);
    CHECK(names.size() == 2);
    const std::string header = without_ids(first.ask("header"));
    REQUIRE(settle(first, 2));

    for (const bool killed : {false, true}) {
      if (killed)
        daemon.kill();
      else
        CHECK(daemon.stop() == 0);
      manager.start();
      CHECK(daemon.status()["daemon"]["inherited"] == 2);
      // It reads the question, and answers, with its next segment.
      for (IdleApp* app : {&first, &second}) app->finish(1);
    }
    CHECK(without_ids(first.ask("header")) == header);
    CHECK(settle(first, 5));
    CHECK(settle(second, 3));
    for (IdleApp* app : {&first, &second}) {
      CHECK(app->stats()["reconnects"] == 0);
      CHECK(app->stats()["dropped"] == 0);
      CHECK(app->exit() == 0);
    }
    CHECK(instance_names(collector) == names);
    CHECK(daemon.status()["socket"]["refused"] == nlohmann::json::object());
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("names that are given in another way after a restart are in force for those that stayed, too") {
    TestCollector collector;
    Daemon daemon(collector.address(), "host: box\n");
    Manager manager(daemon);
    manager.start();
    IdleApp app(daemon.socket(), "shop", 1);
    REQUIRE(wait_until([&] { return manager.stored() >= 2; }));
    CHECK(daemon.stop() == 0);
    std::string config = read_file(daemon.config());
    daemon.directory().write("sidecar.yaml", config + "naming: {namespace: ns, instance: \"{service}-{slot}\"}\n");
    manager.start();
    CHECK(daemon.status()["daemon"]["inherited"] == 1);
    app.finish(1);
    CHECK(wait_until([&] { return app.flush(500) && app.stats()["settled"] == 2; }));
    CHECK(app.stats()["reconnects"] == 0);
    CHECK(instance_names(collector) == std::set<std::string>{"shop@box", "shop-0"});
    CHECK(daemon.instances("shop|ns|").size() == 1);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("over a stop and a later start an idle process stays registered in its slot, and is heard when it speaks") {
    TestCollector collector;
    Daemon daemon(collector.address(), std::string("host: box\n") + kFastKeepAlive);
    Manager manager(daemon);
    manager.start();
    IdleApp first(daemon.socket(), "shop", 1);
    IdleApp second(daemon.socket(), "shop", 1);
    IdleApp ended(daemon.socket(), "shop", 1);
    for (IdleApp* app : {&first, &second, &ended})
      REQUIRE(wait_until([&] { return app->flush(500) && app->stats()["settled"] == 1; }));
    const std::set<std::string> names = instance_names(collector);
    CHECK(daemon.stop() == 0);
    CHECK(std::filesystem::exists(daemon.state() + "/sessions"));
    manager.empty_store();
    CHECK(ended.exit() == 0);
    manager.start();
    CHECK(daemon.status()["daemon"]["inherited"] == 0);
    CHECK(daemon.status()["daemon"]["awaited"] == 2);
    CHECK_FALSE(std::filesystem::exists(daemon.state() + "/sessions"));
    const auto live = [&](std::size_t connected) {
      std::size_t found = 0;
      for (const nlohmann::json& each : daemon.instances("shop"))
        if (each["registration"] == "live" && each["sessions"][0]["connected"] == (connected > 0)) ++found;
      return found;
    };
    CHECK(wait_until([&] { return live(0) == 2; }));
    // A newcomer does not get the name of one that is only silent.
    IdleApp third(daemon.socket(), "shop", 1);
    REQUIRE(wait_until([&] { return third.flush(500) && third.stats()["settled"] == 1; }));
    CHECK(instance_names(collector) == names);
    for (IdleApp* app : {&first, &second}) {
      app->finish(2);
      CHECK(wait_until([&] { return app->flush(500) && app->stats()["settled"] == 3; }));
      CHECK(app->stats()["dropped"] == 0);
    }
    CHECK(instance_names(collector) == names);
    CHECK(live(1) == 3);
    CHECK(arrivals(collector, "shop").size() == 3);
    for (IdleApp* app : {&first, &second, &third}) CHECK(app->exit() == 0);
    CHECK(wait_until([&] { return live(0) + live(1) == 0; }));
    CHECK(daemon.totals()["balanced"] == true);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("one that dies while it is awaited is registered no longer") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();  // no manager at all
    IdleApp app(daemon.socket(), "shop", 1);
    REQUIRE(wait_until([&] { return app.flush(500) && app.stats()["settled"] == 1; }));
    CHECK(daemon.stop() == 0);
    daemon.start();
    const auto registration = [&] {
      const auto found = daemon.instances("shop");
      return found.size() == 1 ? found[0].value("registration", "") : "";
    };
    CHECK(wait_until([&] { return registration() == "live"; }));
    app.process().signal(SIGKILL);
    app.process().wait();
    CHECK(wait_until([&] { return registration() != "live"; }));
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("a state directory that cannot be used costs a clear line, and nothing else") {
    TestCollector collector;
    Daemon daemon(collector.address());
    std::string said;
    SUBCASE("a file") {
      std::filesystem::remove(daemon.state());
      daemon.directory().write("state", "");
      said = "state directory " + daemon.state() + ": Not a directory";
    }
    SUBCASE("not there") {
      std::filesystem::remove(daemon.state());
      said = "state directory " + daemon.state() + ": No such file or directory";
    }
    SUBCASE("read-only") {
      // For root, too: nothing can be made there.
      std::filesystem::remove(daemon.state());
      std::filesystem::create_directory_symlink("/proc/self/fdinfo", daemon.state());
      said = "the sessions are not left to a successor: sessions";
    }
    SUBCASE("with somebody else's file") {
      std::filesystem::create_directory(daemon.state() + "/sessions");
      said = "what a predecessor left is not used: sessions in the state directory is not a regular file; remove it";
    }
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 1);
    REQUIRE(wait_until([&] { return app.flush(500) && app.stats()["settled"] == 1; }));
    CHECK(daemon.stop() == 0);
    CAPTURE(daemon.log());
    CHECK(daemon.log().find(said) != std::string::npos);
    CHECK(app.exit() == 0);
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
}
