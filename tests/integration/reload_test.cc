// Other settings for a running daemon, by SIGHUP and by sidecarctl, with real applications connected; and its log.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

const std::string kFast = std::string(kFastBatches) + kFastKeepAlive;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

nlohmann::json config_of(const Daemon& daemon) {
  const nlohmann::json status = daemon.status();
  return status.is_object() ? status.value("config", nlohmann::json::object()) : nlohmann::json::object();
}

std::uint64_t ignored(IdleApp& app) { return app.stats()["ignored"].get<std::uint64_t>(); }

}  // namespace

TEST_SUITE("integration/reload") {
  TEST_CASE("operations that are ignored from now on, and then no more, are seen by an application that runs") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 5);
    REQUIRE(app.flush(5000));
    std::string said;

    daemon.configure(collector.address(), kFast + "ignore: {patterns: [\"GET:/work\"], suffixes: []}\n",
                     kFastConnecting);
    REQUIRE(daemon.tell({"reload"}, &said) == 0);
    CHECK(contains(said, "ignore.patterns: \"\" -> GET:/work (" + daemon.config() + ":7:"));
    app.flush(1000);  // hears what it is told
    app.finish(7);
    CHECK(ignored(app) == 7);

    daemon.configure(collector.address(), kFast + "ignore: {patterns: [], suffixes: []}\n", kFastConnecting);
    REQUIRE(daemon.tell({"reload"}, &said) == 0);
    app.flush(1000);
    app.finish(5);
    CHECK(ignored(app) == 7);
    REQUIRE(app.flush(5000));
    CHECK(wait_until([&] { return arrivals(collector, "shop").size() == 10; }));
    CHECK(app.stats()["reconnects"] == 0);
    CHECK(app.exit() == 0);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("a broken file is refused with every mistake, and the daemon goes on as before") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 1);
    std::string said;
    daemon.configure(collector.address(), kFast + "carrier: {slots: none}\nsize: 1\nlog: {level: debug}\n");
    CHECK(daemon.tell({"reload"}, &said) == 1);
    CHECK(
        contains(said, daemon.config() + ":7:18: carrier.slots: expected an integer from 256 to 1048576, got 'none'"));
    CHECK(contains(said, daemon.config() + ":8:1: size: unknown key"));
    CHECK(contains(daemon.log(), daemon.config() + ":8:1: size: unknown key"));
    CHECK(config_of(daemon)["errors"].size() == 2);
    CHECK(config_of(daemon)["log_level"] == "info");
    REQUIRE(daemon.tell({"status"}, &said) == 0);
    CHECK(contains(said, "warning: the configuration was refused"));
    CHECK(contains(said, ":8:1: size: unknown key"));
    app.finish(3);
    CHECK(wait_until([&] { return all_arrived_once(collector, "shop", 4); }));

    daemon.configure(collector.address(), kFast, kFastConnecting);
    REQUIRE(daemon.tell({"reload"}, &said) == 0);
    CHECK(config_of(daemon)["errors"].empty());
    CHECK(app.exit() == 0);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("SIGHUP does what sidecarctl does, and none is lost") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    const auto level = [&] { return config_of(daemon).value("log_level", ""); };
    for (const char* wanted : {"debug", "warning", "info", "debug"}) {
      daemon.configure(collector.address(), kFast + "log: {level: " + wanted + "}\n", kFastConnecting);
      daemon.process().signal(SIGHUP);
      CHECK(wait_until([&] { return level() == wanted; }));
    }
    // Many at once, the file changing with each: what was written before the last signal counts in the end.
    for (int i = 1; i <= 50; ++i) {
      daemon.configure(collector.address(),
                       kFast + "log: {level: debug}\nsampling: {traces_per_3s: " + std::to_string(i) + "}\n",
                       kFastConnecting);
      daemon.process().signal(SIGHUP);
    }
    CHECK(wait_until([&] { return contains(daemon.log(), "-> 50 ("); }));
    CHECK(config_of(daemon)["reloads"].get<int>() <= 54);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("a level set by hand counts at once, and until the next reload") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    std::string said;
    CHECK(daemon.tell({"log-level", "debug"}, &said) == 0);
    CHECK(said == "the log's level was info and is debug until the next reload or restart\n");
    CHECK(config_of(daemon)["log_level"] == "debug");
    CHECK(daemon.tell({"log-level", "loud"}, &said) == 1);
    CHECK(contains(said, "log.level: expected one of error, warning, info, debug, got 'loud'"));
    CHECK(daemon.tell({"log-level"}, &said) == 2);
    CHECK(daemon.tell({"reload"}, &said) == 0);
    CHECK(contains(said, "log.level: debug -> info (default)"));
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("another collector under load: each segment arrives at one of the two, and none at the old one any more") {
    TestCollector before, after;
    const std::string collector_fast = std::string(", deadline: 2s") + kFastConnecting;
    Daemon daemon(before.address(), kFast, collector_fast);
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 200);
    REQUIRE(app.flush(10'000));
    CHECK(wait_until([&] { return arrivals(before, "shop").size() == 200; }));
    bool hangs = false;
    SUBCASE("while it works") {}
    SUBCASE("while it hangs") { hangs = true; }
    if (hangs) before.misbehave({.fault = Fault::hang});
    app.finish(100);
    daemon.configure(after.address(), kFast, collector_fast);
    app.finish(100);
    REQUIRE(daemon.tell({"reload"}) == 0);
    const std::size_t then = before.store().call_log().size();
    app.finish(600);
    nlohmann::json totals;
    CHECK(wait_until([&] {
      app.flush(100);
      totals = daemon.totals();
      return totals.is_object() && totals["received"] == 1000 && totals["held"] == 0;
    }));
    CAPTURE(totals.dump());
    CHECK(totals["balanced"] == true);
    CHECK(totals["delivered"] == 1000);
    std::map<unsigned long, unsigned> all = arrivals(before, "shop");
    for (const auto& [number, times] : arrivals(after, "shop")) all[number] += times;
    CHECK(all.size() == 1000);
    std::uint64_t duplicates = 0;
    for (const auto& [number, times] : all) duplicates += times - 1;
    CHECK(duplicates <= totals["resent"].get<std::uint64_t>());
    CHECK(before.store().call_log().size() == then);
    CHECK(wait_until([&] { return after.store().instances().size() == 1; }));
    CHECK(daemon.status()["collector"]["address"] == after.address());
    before.behave();
    CHECK(app.exit() == 0);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("other rules of privacy count for the next segment") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    IdleApp app(daemon.socket(), "shop", 3);
    REQUIRE(wait_until([&] { return arrivals(collector, "shop").size() == 3; }));
    daemon.configure(collector.address(), kFast + "privacy: {drop_tags: [n]}\n", kFastConnecting);
    REQUIRE(daemon.tell({"reload"}) == 0);
    app.finish(4);
    CHECK(wait_until([&] { return daemon.totals()["delivered"] == 7; }));
    CHECK(arrivals(collector, "shop").size() == 3);  // the others have lost the tag that they are counted by
    CHECK(daemon.status()["collector"]["changed"]["tags_dropped"] == 4);
    CHECK(app.exit() == 0);
    CHECK(daemon.stop() == 0);
  }

  TEST_CASE("what needs a restart is named until there is one") {
    TestCollector collector;
    Daemon daemon(collector.address(), kFast, kFastConnecting);
    daemon.start();
    std::string said;
    daemon.configure(collector.address(), kFast + "carrier: {channels: 2, slots: 512}\nhost: other\n", kFastConnecting);
    REQUIRE(daemon.tell({"reload"}, &said) == 0);
    CHECK(contains(said, "carrier.slots: 4096 -> 512"));
    CHECK(contains(said, "carrier.channels: 8 -> 2"));
    REQUIRE(daemon.tell({"status"}, &said) == 0);
    CHECK(contains(said, "warning: changed in the file, and needs a restart: carrier.channels, host\n"));
    CHECK(daemon.status()["channels"].size() == 8);
    CHECK(daemon.stop() == 0);
    daemon.start();
    CHECK(daemon.status()["channels"].size() == 2);
    CHECK(config_of(daemon)["needs_restart"].empty());
    CHECK(daemon.stop() == 0);
  }
}

TEST_SUITE("integration/log") {
  TEST_CASE("nobody reads the log: the daemon goes on, counts what is lost, and tells of it when there is room") {
    TestCollector collector;
    Daemon daemon(collector.address(), "log: {level: debug}\n", kFastConnecting);
    int pipe[2];
    REQUIRE(pipe2(pipe, O_CLOEXEC) == 0);
    REQUIRE(fcntl(pipe[1], F_SETPIPE_SZ, 4096) == 4096);
    Process process({program("sw-sidecar"), "--config", daemon.config()}, Streams{.err = pipe[1]});
    close(pipe[1]);
    REQUIRE(wait_until([&] { return !daemon.status().is_null(); }));
    // Each of these is told in the log.
    for (int i = 0; i < 60; ++i) {
      daemon.configure(collector.address(), "log: {level: debug}\nbatch: {age: " + std::to_string(i + 1) + "s}\n",
                       kFastConnecting);
      daemon.tell({"reload"});
    }
    const nlohmann::json lost = daemon.status()["daemon"]["log_lines_lost"];
    CHECK(lost.get<int>() > 10);
    std::string said;
    REQUIRE(daemon.tell({"status"}, &said) == 0);
    CHECK(contains(said, "lines of the daemon's log were lost"));
    std::string all;
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    CHECK(wait_until([&] {
      char text[4096];
      const ssize_t size = read(pipe[0], text, sizeof text);
      if (size > 0) all.append(text, static_cast<std::size_t>(size));
      daemon.tell({"log-level", "debug"});
      return contains(all, " lines of the log were lost: what takes it was full\n");
    }));
    close(pipe[0]);  // and now there is nobody at all
    daemon.tell({"reload"});
    CHECK_FALSE(daemon.status().is_null());
    process.signal(SIGTERM);
    CHECK(process.wait() == 0);
  }
}
