// What a restart and a crash of the daemon cost under load, by the lists of ids: application against collector.

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

#include "app_process.h"
#include "arrivals.h"
#include "manager.h"

using namespace sidecar;
using namespace sidecar::test;
using namespace std::chrono_literals;

namespace {

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

TEST_SUITE("integration/succession_load") {
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
