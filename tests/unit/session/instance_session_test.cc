#include "session/instance_session.h"

#include <doctest/doctest.h>

#include "fake_collector.h"
#include "fake_loop.h"
#include "make.h"

using namespace sidecar;
using namespace std::chrono_literals;
using Kind = FakeCollector::Kind;
using E = SessionEvent;
using S = SessionState;

namespace {

struct ScriptedRandom : Random {
  std::uint64_t next() override { return value; }
  std::uint64_t value = 1ull << 63;  // fraction() is a half
};

struct Fixture {
  Fixture()
      : collector(loop),
        session({"shop", "shop-1", "GENERAL"}, {{"language", "cpp"}}, options, loop, collector, random) {}
  std::size_t pings() const { return collector.count(Kind::keep_alive); }
  std::size_t reports() const { return collector.count(Kind::properties); }
  void pass(Duration time) {
    loop.advance(time);
    loop.run_until_idle();
  }
  // Announced and answered.
  void go_live() {
    session.on(E::collector_ready);
    loop.run_until_idle();
    REQUIRE(session.state() == S::live);
  }

  FakeLoop loop;
  ScriptedRandom random;
  FakeCollector collector;
  SessionOptions options;
  InstanceSession session;
};

}  // namespace

TEST_SUITE("session/instance_session") {
  TEST_CASE("nothing is said before the collector is there") {
    Fixture f;
    f.pass(1h);
    CHECK(f.collector.asked().empty());
    CHECK(f.session.state() == S::waiting);
  }

  TEST_CASE("it announces itself with properties and at once keepAlive") {
    Fixture f;
    f.session.on(E::collector_ready);
    CHECK(f.session.state() == S::announcing);
    REQUIRE(f.collector.asked().size() == 2);
    CHECK(f.collector.asked()[0].kind == Kind::properties);
    CHECK(f.collector.asked()[0].properties == Properties{{"language", "cpp"}});
    CHECK(f.collector.asked()[1].kind == Kind::keep_alive);
    CHECK(f.collector.asked()[1].name.service == "shop");
    CHECK(f.collector.asked()[1].name.instance == "shop-1");
    CHECK(f.collector.asked()[1].name.layer == "GENERAL");
    f.loop.run_until_idle();
    CHECK(f.session.state() == S::live);
  }

  TEST_CASE("it beats each 30 s, a tenth sooner or later by chance") {
    for (const auto& [random, first] : {std::pair<std::uint64_t, Duration>{0, 27s}, {1ull << 63, 30s}, {~0ull, 33s}}) {
      Fixture f;
      f.random.value = random;
      f.go_live();
      f.pass(first - 1ms);
      CHECK(f.pings() == 1);
      f.pass(2ms);
      CHECK(f.pings() == 2);
    }
  }

  TEST_CASE("every tenth beat repeats the properties") {
    Fixture f;
    f.go_live();
    for (int beat = 1; beat <= 30; ++beat) {
      f.pass(30s);
      CHECK(f.pings() == 1 + static_cast<std::size_t>(beat));
      CHECK(f.reports() == 1 + static_cast<std::size_t>(beat / 10));
    }
  }

  TEST_CASE("after a reconnect it announces itself again, and the count of beats begins anew") {
    Fixture f;
    f.go_live();
    for (int beat = 0; beat < 5; ++beat) f.pass(30s);
    f.session.on(E::collector_lost);
    CHECK(f.session.state() == S::waiting);
    f.pass(10min);
    CHECK(f.pings() == 6);
    f.session.on(E::collector_ready);
    f.loop.run_until_idle();
    CHECK(f.reports() == 2);
    CHECK(f.pings() == 7);
    for (int beat = 0; beat < 9; ++beat) f.pass(30s);
    CHECK(f.reports() == 2);
    f.pass(30s);
    CHECK(f.reports() == 3);
  }

  TEST_CASE("an announcement after a reconnect can be spread, by chance") {
    Fixture f;
    f.session.on(E::collector_ready, 4s);
    f.pass(1'999ms);
    CHECK(f.collector.asked().empty());
    CHECK(f.session.state() == S::announcing);
    f.pass(2ms);
    CHECK(f.collector.asked().size() == 2);
    CHECK(f.session.state() == S::live);
  }

  TEST_CASE("a failed announcement is made again with growing back-off until it is confirmed") {
    Fixture f;
    f.collector.script(Kind::keep_alive, {Verdict::retry, Verdict::suspect});
    f.session.on(E::collector_ready);
    f.loop.run_until_idle();
    CHECK(f.session.state() == S::announcing);
    CHECK(f.session.last_error() == "scripted");
    f.pass(749ms);
    CHECK(f.pings() == 1);
    f.pass(2ms);
    CHECK(f.pings() == 2);
    CHECK(f.reports() == 2);
    f.pass(1'501ms);
    CHECK(f.pings() == 3);
    CHECK(f.session.state() == S::live);
    CHECK(f.session.last_error().empty());
  }

  TEST_CASE("a beat that fails makes it announce itself again") {
    Fixture f;
    f.go_live();
    f.collector.script(Kind::keep_alive, {Verdict::retry});
    f.pass(30s);
    CHECK(f.session.state() == S::announcing);
    f.pass(1s);
    CHECK(f.reports() == 2);
    CHECK(f.session.state() == S::live);
  }

  TEST_CASE("losing the collector cancels what is in flight, and late answers change nothing") {
    Fixture f;
    f.collector.hold_answers(true);
    f.session.on(E::collector_ready);
    CHECK(f.collector.in_flight() == 2);
    f.collector.answer_all();
    f.session.on(E::collector_lost);
    CHECK(f.collector.cancelled() == 2);
    f.loop.run_until_idle();
    CHECK(f.session.state() == S::waiting);
  }

  TEST_CASE("what has ended says nothing more") {
    Fixture f;
    f.go_live();
    f.session.on(E::ended);
    CHECK(f.session.state() == S::ended);
    f.session.on(E::collector_ready);
    f.pass(1h);
    CHECK(f.pings() == 1);
  }

  TEST_CASE("since tells when the state began") {
    Fixture f;
    f.pass(5s);
    f.session.on(E::collector_ready);
    CHECK(f.session.since() == f.loop.now());
    const Tick live = f.loop.now();
    f.loop.run_until_idle();
    f.pass(1h);
    CHECK(f.session.since() == live);
  }
}
