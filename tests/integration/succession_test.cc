// What outlives the daemon: connections, sessions and their names, with a manager that keeps its descriptors.

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <memory>
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

// An application with a steady load of its own service.
class Load {
 public:
  Load(const Daemon& daemon, std::string service, unsigned long rate, unsigned seconds)
      : service_(std::move(service)), rate_(rate), count_(1 + rate * seconds), app_(daemon.socket(), service_, 1) {}
  void begin() { app_.begin("load " + std::to_string(count_ - 1) + " " + std::to_string(rate_)); }
  // Waits for its end; whether all was settled, on the connection that it had.
  bool ends_settled() {
    const std::string finished = app_.answer();
    const bool settled = wait_until([this] { return app_.flush(500) && app_.stats()["settled"] == count_; });
    const nlohmann::json stats = app_.stats();
    return finished == "finished " + std::to_string(count_) && settled && stats["dropped"] == 0 &&
           stats["reconnects"] == 0 && app_.exit() == 0;
  }
  const std::string& service() const { return service_; }
  unsigned long count() const { return count_; }

 private:
  std::string service_;
  unsigned long rate_;
  unsigned long count_;
  IdleApp app_;
};

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

  TEST_CASE("stopped or killed once under a steady load, nothing is lost, and little comes twice") {
    bool killed = false;
    SUBCASE("killed") { killed = true; }
    SUBCASE("restarted") {}
    constexpr unsigned kSeconds = 4;
    TestCollector collector;
    Daemon daemon(collector.address());
    Manager manager(daemon);
    manager.start();
    std::vector<std::unique_ptr<Load>> loads;
    for (unsigned i = 0; i < 10; ++i)
      loads.push_back(std::make_unique<Load>(daemon, "slow" + std::to_string(i), 100, kSeconds));
    loads.push_back(std::make_unique<Load>(daemon, "fast", 1000, kSeconds));
    REQUIRE(wait_until([&] { return manager.stored() >= loads.size() + 1; }));
    for (auto& load : loads) load->begin();
    // In the middle, when some has been delivered.
    REQUIRE(wait_until([&] { return collector.store().segment_count() >= kSeconds * 2000 / 3; }));
    const auto begin = std::chrono::steady_clock::now();
    if (killed)
      daemon.kill();
    else
      CHECK(daemon.stop() == 0);
    manager.start();
    const auto gap = std::chrono::steady_clock::now() - begin;
    CHECK(daemon.status()["daemon"]["inherited"] == loads.size());
    unsigned long segments = 0, arrived = 0, duplicates = 0;
    for (auto& load : loads) {
      segments += load->count();
      CHECK(load->ends_settled());
      const auto numbers = arrivals(collector, load->service());
      arrived += numbers.size();
      for (const auto& [number, times] : numbers) duplicates += times - 1;
    }
    CHECK(arrived == segments);
    MESSAGE(std::string(killed ? "killed" : "restarted")
            << ": " << segments << " segments, " << segments - arrived << " lost, " << duplicates << " of them twice; "
            << gap / 1ms << " ms from the signal to the successor's first answer");
    if (!killed) CHECK(duplicates == 0);
    CHECK(daemon.totals()["balanced"] == true);
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
