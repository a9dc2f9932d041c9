// Several collectors, TLS and a token, with the real daemon and a real application.

#include <doctest/doctest.h>
#include <signal.h>

#include <string>

#include "app_process.h"
#include "arrivals.h"
#include "test_certificates.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

const std::string kFast = std::string(kFastBatches) + kFastKeepAlive;
const std::string kCollectorFast = std::string(", deadline: 5s, unanswered: 200ms") + kFastConnecting;

TestCollectorOptions with_tls_and_token() {
  TestCollectorOptions options;
  options.tls_cert = kTestServerCert;
  options.tls_key = kTestServerKey;
  options.client_ca = kTestCa;
  options.token = "open-sesame";
  return options;
}

// What arrived at either, by number.
std::map<unsigned long, unsigned> arrived_at(const TestCollector& a, const TestCollector& b,
                                             const std::string& service) {
  std::map<unsigned long, unsigned> all = arrivals(a, service);
  for (const auto& [number, times] : arrivals(b, service)) all[number] += times;
  return all;
}

// All settled, nothing lost, and of `count` each arrived.
void check_account(const Daemon& daemon, IdleApp& app, const TestCollector& a, const TestCollector& b,
                   const std::string& service, unsigned long count) {
  nlohmann::json totals;
  CHECK(wait_until([&] {
    app.flush(100);
    totals = daemon.totals();
    return totals.is_object() && totals["received"] == count && totals["held"] == 0;
  }));
  CAPTURE(totals.dump());
  CHECK(totals["balanced"] == true);
  CHECK(totals["delivered"] == count);
  const auto all = arrived_at(a, b, service);
  CHECK(all.size() == count);
  std::uint64_t duplicates = 0;
  for (const auto& [number, times] : all) duplicates += times - 1;
  CHECK(duplicates <= totals["resent"].get<std::uint64_t>());
}

std::string in_use(const Daemon& daemon) {
  const nlohmann::json all = daemon.status();
  return all.is_object() && all["collector"]["state"] == "up" ? all["collector"]["address"].get<std::string>() : "";
}

struct Pair {
  TestCollector a, b;
  Daemon daemon{a.address() + "\", \"" + b.address(), kFast, kCollectorFast};
  // The one in use, as soon as there is one.
  TestCollector& current() {
    std::string address;
    CHECK(wait_until([&] { return !(address = in_use(daemon)).empty(); }));
    return address == a.address() ? a : b;
  }
};

}  // namespace

TEST_SUITE("integration/collectors") {
  TEST_CASE("TLS with our certificate and a token: everything arrives, and the token is nowhere to be read") {
    TestCollector collector(with_tls_and_token());
    const TemporaryDirectory files;
    const std::string tls = ", token_file: " + files.write("token", "open-sesame\n") +
                            ", tls: {enabled: true, ca: " + files.write("ca.pem", kTestCa) +
                            ", certificate: " + files.write("client.pem", kTestClientCert) +
                            ", key: " + files.write("client.key", kTestClientKey) + "}";
    Daemon daemon(collector.address(), kFast + "log: {level: debug}\n", kCollectorFast + tls);
    daemon.start();
    IdleApp app(daemon.socket(), "secret", 20);
    CHECK(wait_until([&] { return all_arrived_once(collector, "secret", 20); }));
    CHECK(wait_until([&] { return collector.store().instances().size() == 1; }));
    collector.misbehave({.fault = Fault::status, .times = 1, .code = 2, .message = "bad open-sesame"});
    app.finish(1);
    CHECK(wait_until([&] { return all_arrived_once(collector, "secret", 21); }));
    for (const StoredCall& call : collector.store().call_log()) CHECK(call.token == "open-sesame");
    const std::string status = daemon.status().dump();
    CHECK(status.find("bad ***") != std::string::npos);
    CHECK(status.find("open-sesame") == std::string::npos);
    CHECK(app.exit() == 0);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.log().find("open-sesame") == std::string::npos);
  }

  TEST_CASE("a token that could not be read is not said to be refused, nor to stay in force") {
    TestCollectorOptions served;
    served.token = "open-sesame";
    TestCollector collector(served);
    const TemporaryDirectory files;
    Daemon daemon(collector.address(), kFast,
                  kCollectorFast + std::string(", token_file: ") + files.path() + "/token, reread: 20ms");
    daemon.start();
    IdleApp app(daemon.socket(), "early", 1);
    CHECK(wait_until([&] { return daemon.status()["collector"]["state"] == "auth"; }));
    CHECK(daemon.log().find("wants a token, and collector.token_file could not be read") != std::string::npos);
    CHECK(daemon.log().find("refuses the token") == std::string::npos);
    CHECK(daemon.log().find("stays in force") == std::string::npos);
    files.write("token", "open-sesame\n");
    CHECK(wait_until([&] { return all_arrived_once(collector, "early", 1); }));
    files.write("token", "");
    CHECK(wait_until([&] { return daemon.log().find("is empty") != std::string::npos; }));
    CHECK(daemon.log().find("what was read before stays in force") != std::string::npos);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a collector that goes away under load is replaced, and nothing is lost") {
    Pair host;
    host.daemon.start();
    IdleApp app(host.daemon.socket(), "steady", 200);
    TestCollector& first = host.current();
    for (int i = 0; i < 5; ++i) {
      app.finish(100);
      if (i == 2) first.close();
      app.flush(100);
    }
    CHECK(wait_until([&] { return &host.current() != &first; }));
    check_account(host.daemon, app, host.a, host.b, "steady", 700);
    const nlohmann::json status = host.daemon.status();
    REQUIRE(status["collector"]["collectors"].size() == 2);
    // The instance has been announced at the new one too.
    CHECK(wait_until([&] { return host.current().store().instances().size() == 1; }));
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a collector that comes back during a shutdown still gets everything, however long we would have waited") {
    TestCollector collector;
    collector.close();
    Daemon daemon(collector.address(), "shutdown: {deadline: 30s}\n", ", backoff: {first: 10m, max: 10m}");
    daemon.start();
    CHECK(wait_until([&] { return daemon.status()["collector"]["state"] == "down"; }));
    IdleApp app(daemon.socket(), "late", 20);
    CHECK(app.flush(5000));
    daemon.process().signal(SIGTERM);
    CHECK(wait_until([&] {  // it has tried again, in vain
      const nlohmann::json status = daemon.status();
      if (!status.is_object() || status["daemon"]["state"] != "draining") return false;
      const nlohmann::json& rests = status["collector"]["collectors"][0]["rests_ms"];
      return rests.is_number() && rests < 5'000;
    }));
    collector.open();
    CHECK(daemon.process().wait() == 0);
    CHECK(all_arrived_once(collector, "late", 20));
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a collector that hangs holds its calls, the next ones go to another, and nothing is lost") {
    Pair host;
    host.daemon.start();
    IdleApp app(host.daemon.socket(), "steady", 10);
    IdleApp other(host.daemon.socket(), "other", 0);
    CHECK(wait_until([&] { return arrived_at(host.a, host.b, "steady").size() == 10; }));
    TestCollector& hung = host.current();
    hung.misbehave({.fault = Fault::hang});
    app.finish(100);
    CHECK(wait_until([&] { return &host.current() != &hung; }));
    other.finish(50);  // another service: another lane, unless the two share one by chance
    app.finish(100);
    CHECK(wait_until([&] { return arrived_at(host.a, host.b, "steady").size() == 210; }));
    CHECK(wait_until([&] { return arrived_at(host.a, host.b, "other").size() == 50; }));
    const nlohmann::json totals = host.daemon.totals();
    CHECK(totals["balanced"] == true);
    CHECK(totals["dropped_total"] == 0);
    hung.behave();
    CHECK(app.exit() == 0);
    CHECK(other.exit() == 0);
  }
}
