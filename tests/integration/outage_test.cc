// The collector misbehaves as real ones do: nothing is lost, and status tells.

#include <doctest/doctest.h>

#include <string>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

const std::string kFast = std::string(kFastBatches) + kFastKeepAlive;
const std::string kCollectorFast = std::string(", deadline: 1s") + kFastConnecting;

struct Host {
  Host() : daemon(collector.address(), kFast, kCollectorFast) { daemon.start(); }

  // Sends 50 segments into the trouble, ends it, and checks that all of them arrive.
  void check_nothing_is_lost(const std::function<void()>& trouble, const std::function<bool()>& told,
                             const std::function<void()>& relief) {
    IdleApp app(daemon.socket(), "steady", 10);
    REQUIRE(wait_until([&] { return all_arrived(collector, "steady", 10); }));
    trouble();
    app.finish(25);
    app.flush(2000);
    CHECK(wait_until(told));
    app.finish(25);
    relief();
    CHECK(wait_until([&] {
      app.flush(100);
      return all_arrived(collector, "steady", 60);
    }));
    nlohmann::json totals;
    CHECK(wait_until([&] {
      totals = daemon.totals();
      return totals.is_object() && totals["received"] == 60 && totals["held"] == 0;
    }));
    CAPTURE(totals.dump());
    CHECK(totals["balanced"] == true);
    CHECK(totals["delivered"] == 60);
    CHECK(totals["dropped_total"] == 0);
    CHECK(app.exit() == 0);
  }

  bool collector_state_is(const std::string& state) const {
    const nlohmann::json all = daemon.status();
    return all.is_object() && all["collector"]["state"] == state;
  }
  // Whether at least one call has failed since `before`.
  std::uint64_t calls_failed() const {
    const nlohmann::json all = daemon.status();
    return all.is_object() ? all["collector"]["calls_failed"].get<std::uint64_t>() : 0;
  }
  std::function<bool()> a_call_fails() const {
    return [this, before = calls_failed()] { return calls_failed() > before; };
  }

  TestCollector collector;
  Daemon daemon;
};

void check_status_code(int code) {
  Host host;
  host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::status, .code = code}); },
                             host.a_call_fails(), [&] { host.collector.behave(); });
}

}  // namespace

TEST_SUITE("integration/outage") {
  TEST_CASE("the collector is down for a while") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.close(); }, [&] { return !host.collector_state_is("up"); },
                               [&] { host.collector.open(); });
  }

  TEST_CASE("the collector hangs until the deadline") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::hang}); }, host.a_call_fails(),
                               [&] { host.collector.behave(); });
  }

  TEST_CASE("the collector answers UNKNOWN") { check_status_code(2); }
  TEST_CASE("the collector answers RESOURCE_EXHAUSTED") { check_status_code(8); }
  TEST_CASE("the collector answers INTERNAL") { check_status_code(13); }
  TEST_CASE("the collector answers UNAVAILABLE") { check_status_code(14); }

  TEST_CASE("the collector refuses our token, until it does not") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::status, .code = 7}); },
                               [&] { return host.collector_state_is("auth"); }, [&] { host.collector.behave(); });
  }

  TEST_CASE("the collector does not know the methods, until it does") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::unimplemented}); },
                               [&] { return host.collector_state_is("wrong_server"); },
                               [&] { host.collector.behave(); });
  }

  TEST_CASE("the collector resets the stream") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::reset_stream}); }, host.a_call_fails(),
                               [&] { host.collector.behave(); });
  }

  TEST_CASE("the collector closes in the middle of a call") {
    Host host;
    host.check_nothing_is_lost([&] { host.collector.misbehave({.fault = Fault::close, .times = 3}); },
                               host.a_call_fails(), [&] { host.collector.behave(); });
  }

  TEST_CASE("an answer of garbage counts as an answer, and is counted") {
    Host host;
    IdleApp app(host.daemon.socket(), "garbage", 0);
    host.collector.misbehave({.fault = Fault::garbage, .keep = true});
    app.finish(10);
    CHECK(wait_until([&] { return host.daemon.totals().value("delivered", 0) == 10; }));
    CHECK(host.daemon.status()["collector"]["undecodable_answers"].get<int>() > 0);
    CHECK(all_arrived_once(host.collector, "garbage", 10));
  }

  TEST_CASE("a segment that the collector can never take is dropped alone, with its reason") {
    Host host;
    IdleApp app(host.daemon.socket(), "poison", 10);
    REQUIRE(wait_until([&] { return all_arrived(host.collector, "poison", 10); }));
    host.collector.misbehave({.fault = Fault::poison, .key = "n", .value = "17"});
    app.finish(20);
    nlohmann::json totals;
    CHECK(wait_until([&] {
      // Calls of others succeed meanwhile: that is what tells a bad batch from a bad collector.
      run_app(host.daemon, "other", 1);
      totals = host.daemon.totals();
      return totals["dropped"]["rejected"] == 1 && totals["held"] == 0;
    }));
    CAPTURE(totals.dump());
    CHECK(totals["balanced"] == true);
    auto numbers = arrivals(host.collector, "poison");
    CHECK(numbers.count(17) == 0);
    for (unsigned long n = 1; n <= 30; ++n)
      if (n != 17) CHECK(numbers.count(n) == 1);
    const std::string log = host.daemon.log();
    CAPTURE(log);
    CHECK(log.find(", number 17 of poison ") != std::string::npos);
    CHECK(log.find("refuses segment 0.0.0") == std::string::npos);  // named by its id
  }
}
