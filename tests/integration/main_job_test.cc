// The main job with the real programs: application, shim, socket, carrier, pipeline, collector.

#include <doctest/doctest.h>

#include <csignal>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

// The account of the whole host, once nothing is held any more.
nlohmann::json settled_totals(const Daemon& daemon, unsigned long received) {
  nlohmann::json totals;
  wait_until([&] {
    totals = daemon.totals();
    return totals.is_object() && totals["received"] == received && totals["held"] == 0;
  });
  return totals;
}

void check_all_delivered(const Daemon& daemon, unsigned long received) {
  const nlohmann::json totals = settled_totals(daemon, received);
  CAPTURE(totals.dump());
  CHECK(totals["balanced"] == true);
  CHECK(totals["delivered"] == received);
  CHECK(totals["dropped_total"] == 0);
}

struct Host {
  explicit Host() : daemon(collector.address()) { daemon.start(); }
  TestCollector collector;
  Daemon daemon;
};

}  // namespace

TEST_SUITE("integration/main_job") {
  TEST_CASE("what a process finishes arrives exactly once, and the ledger balances") {
    Host host;
    IdleApp app(host.daemon.socket(), "shop", 200);
    CHECK(wait_until([&] {
      app.flush(1000);  // what the socket had no room for goes with the next call
      return all_arrived_once(host.collector, "shop", 200);
    }));
    check_all_delivered(host.daemon, 200);
    const nlohmann::json stats = app.stats();
    CHECK(stats["created"] == 200);
    CHECK(stats["dropped"] == 0);
    CHECK(stats["accepted"] == 200);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a process that ends at once leaves nothing behind") {
    Host host;
    CHECK(run_app(host.daemon, "short", 20) == 0);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "short", 20); }));
    check_all_delivered(host.daemon, 20);
  }

  TEST_CASE("a hundred processes that come and go all arrive") {
    Host host;
    for (int i = 0; i < 100; ++i) CHECK(run_app(host.daemon, "many", 1) == 0);
    CHECK(wait_until([&] { return arrivals(host.collector, "many")[1] == 100; }));
    check_all_delivered(host.daemon, 100);
  }

  TEST_CASE("an instance is announced with properties and heartbeat as soon as it connects") {
    Host host;
    IdleApp app(host.daemon.socket(), "announced", 1);
    CHECK(wait_until([&] {
      for (const auto& instance : host.collector.store().instances())
        if (instance.service == "announced" && instance.keep_alives > 0 && !instance.properties.empty()) return true;
      return false;
    }));
    CHECK(wait_until([&] {
      const auto instances = host.daemon.instances("announced");
      return instances.size() == 1 && instances[0]["registration"] == "live";
    }));
    CHECK(app.exit() == 0);
    // and it ends with its process
    CHECK(wait_until([&] {
      const auto instances = host.daemon.instances("announced");
      return instances.size() == 1 && instances[0]["registration"] == "ended";
    }));
  }

  TEST_CASE("two processes of one service are two instances") {
    Host host;
    IdleApp one(host.daemon.socket(), "twin", 1);
    CHECK(wait_until([&] { return host.daemon.instances("twin").size() == 1; }));
    IdleApp two(host.daemon.socket(), "twin", 1);
    CHECK(wait_until([&] { return host.daemon.instances("twin").size() == 2; }));
    const auto instances = host.daemon.instances("twin");
    REQUIRE(instances.size() == 2);
    const std::string first = instances[0]["instance"];
    const std::string second = instances[1]["instance"];
    CHECK(first.rfind("twin@", 0) == 0);
    CHECK(second == first + "#1");
  }

  TEST_CASE("a forked child is a session of its own, and neither loses anything") {
    Host host;
    IdleApp app(host.daemon.socket(), "forking", 5);
    CHECK(app.ask("fork 3") == "child 0");
    app.finish(2);
    CHECK(app.flush(5000));
    // the child counts on from 6, as its parent does
    CHECK(wait_until([&] {
      const auto numbers = arrivals(host.collector, "forking");
      unsigned total = 0;
      for (const auto& [number, times] : numbers) total += times;
      return total == 10;
    }));
    auto numbers = arrivals(host.collector, "forking");
    for (unsigned long n = 1; n <= 5; ++n) CHECK(numbers[n] == 1);
    CHECK(numbers[6] == 2);
    CHECK(numbers[7] == 2);
    CHECK(numbers[8] == 1);
    check_all_delivered(host.daemon, 10);
  }

  TEST_CASE("an application killed with -9 loses nothing that it had handed over") {
    Host host;
    IdleApp app(host.daemon.socket(), "victim", 0);
    // Frozen, the daemon cannot have read what is sent now: it waits in the kernel.
    host.daemon.process().signal(SIGSTOP);
    app.finish(20);
    const nlohmann::json stats = app.stats();
    app.process().signal(SIGKILL);
    app.process().wait();
    host.daemon.process().signal(SIGCONT);
    REQUIRE(stats["sent"] == 20);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "victim", 20); }));
    check_all_delivered(host.daemon, 20);
  }

  TEST_CASE("an application that was there before the daemon is heard when it comes") {
    TestCollector collector;
    Daemon daemon(collector.address());
    IdleApp app(daemon.socket(), "early", 10);
    daemon.start();
    CHECK(wait_until([&] { return app.flush(1000); }));
    CHECK(wait_until([&] { return all_arrived_once(collector, "early", 10); }));
    CHECK(app.exit() == 0);
  }

  TEST_CASE("operations that the configuration ignores are not traced, and what they call is told so") {
    TestCollector collector;
    Daemon daemon(collector.address(), "ignore: {patterns: ['GET:/w?rk']}\n");
    daemon.start();
    IdleApp app(daemon.socket(), "quiet", 0);
    // The first ones may be finished before the program has heard of it.
    REQUIRE(wait_until([&] {
      app.finish(1);
      return app.stats()["ignored"] > 0;
    }));
    const nlohmann::json before = app.stats();
    app.finish(10);
    const nlohmann::json after = app.stats();
    CHECK(after["created"] == before["created"]);
    CHECK(after["ignored"].get<int>() == before["ignored"].get<int>() + 10);
    CHECK(app.ask("header").rfind("sw8 1-", 0) == 0);  // another operation is traced as ever
  }

  TEST_CASE("headers of calls carry the service with its namespace and cluster, and the cluster before the address") {
    TestCollector collector;
    Daemon daemon(collector.address(), "naming: {namespace: ns, cluster: east}\n");
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 0);
    const std::string service = "-c2hvcHxuc3xlYXN0-";  // shop|ns|east
    const std::string address = "-ZWFzdC9kYjozMzA2";   // east/db:3306
    std::string header;
    CHECK(wait_until([&] {
      header = app.ask("header");
      return header.find(service) != std::string::npos;
    }));
    CAPTURE(header);
    CHECK(header.size() > address.size());
    CHECK(header.substr(header.size() - address.size()) == address);
  }
}
