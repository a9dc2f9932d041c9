#include "pipeline/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "conservation.h"
#include "fake_collector.h"
#include "fake_loop.h"
#include "make.h"

using namespace sidecar;
using namespace std::chrono_literals;
using Kind = FakeCollector::Kind;
using V = Verdict;

namespace {

struct FixedRandom : Random {
  std::uint64_t next() override { return 1ull << 63; }  // a half
};

struct Fixture {
  explicit Fixture(
      PipelineOptions given = {.batch_segments = 10, .batch_bytes = 16 * 1024, .batch_age = 250ms, .backoff = {}},
      unsigned channels = 1)
      : carrier({.channels = channels, .slots = 4096, .memory = 32u << 20, .strategy = CarrierStrategy::if_possible}),
        collector(loop),
        pipeline(given, loop, carrier, collector, random) {
    carrier.set_arrival_callback([this](std::size_t channel) { pipeline.on_arrival(channel); });
    collector.set_ready(true);
    loop.run_until_idle();
  }
  ~Fixture() { check(); }

  AgentPtr agent(const std::string& instance = "shop-1") {
    agents.push_back(make_agent("shop", instance, agents.size() + 1));
    return agents.back();
  }
  void offer(const AgentPtr& agent, int count = 1, std::size_t size = 100) {
    for (int i = 0; i < count; ++i) {
      const std::uint64_t seq = ++last_seq;  // unique over all agents, so that delivered() can be read
      REQUIRE(agent->ledger.receive(seq) == Ledger::Receipt::fresh);
      carrier.take(make_record(agent, seq, size, loop.now()));
    }
  }
  void check() {
    CHECK_CONSERVATION(
        agents, [this](const auto& visit) { carrier.for_each(visit); },
        [this](const auto& visit) { pipeline.for_each_held(visit); });
  }
  // Lets `time` pass, with the ledger checked on the way.
  void pass(Duration time) {
    for (int i = 0; i < 10; ++i) {
      loop.advance(time / 10);
      loop.run_until_idle();
      check();
    }
  }
  LedgerCounts sum() const {
    LedgerCounts all;
    for (const AgentPtr& agent : agents) all += agent->ledger.counts();
    return all;
  }
  std::uint64_t dropped(DropReason reason) const { return sum().dropped[static_cast<std::size_t>(reason)]; }

  FakeLoop loop;
  FixedRandom random;
  Carrier carrier;
  FakeCollector collector;
  Pipeline pipeline;
  std::vector<AgentPtr> agents;
  std::uint64_t last_seq = 0;
};

std::vector<std::uint64_t> up_to(std::uint64_t n) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 1; i <= n; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_SUITE("pipeline/pipeline") {
  TEST_CASE("segments wait for company until the oldest is old enough, then go in one call") {
    Fixture f;
    const AgentPtr agent = f.agent();
    f.offer(agent, 3);
    f.loop.advance(200ms);
    f.loop.run_until_idle();
    CHECK(f.collector.count(Kind::segments) == 0);
    CHECK(f.carrier.held() == 3);
    f.loop.advance(50ms);
    f.loop.run_until_idle();
    CHECK(f.collector.count(Kind::segments) == 1);
    CHECK(f.collector.delivered() == up_to(3));
    CHECK(agent->ledger.settled() == 3);
  }

  TEST_CASE("a full batch goes at once, and the next when it is answered, in order") {
    Fixture f;
    f.collector.hold_answers(true);
    const AgentPtr agent = f.agent();
    f.offer(agent, 35);
    f.loop.run_until_idle();
    CHECK(f.collector.in_flight() == 1);
    CHECK(f.carrier.held() == 25);
    CHECK(f.pipeline.held() == 10);
    CHECK(f.pipeline.status()[0].state == LaneState::sending);
    f.check();
    for (int i = 0; i < 4; ++i) {
      f.collector.answer_all();
      f.pass(300ms);
    }
    CHECK(f.collector.delivered() == up_to(35));
    CHECK(f.pipeline.status()[0].state == LaneState::idle);
  }

  TEST_CASE("batches adapt: full ones under load, young ones when it is quiet, with the same settings") {
    Fixture f;
    const AgentPtr agent = f.agent();
    for (int ms = 0; ms < 1000; ++ms) {
      f.offer(agent, 1);
      f.pass(1ms);
    }
    f.pass(300ms);
    LaneStatus lane = f.pipeline.status()[0];
    CHECK(lane.segments == 1000);
    CHECK(lane.batches == 100);  // of ten, the most
    for (int seconds = 0; seconds < 10; ++seconds) {
      f.offer(agent, 1);
      f.pass(250ms);
      CHECK(f.carrier.held() + f.pipeline.held() == 0);
      f.pass(750ms);
    }
    lane = f.pipeline.status()[0];
    CHECK(lane.segments == 1010);
    CHECK(lane.batches == 110);
    f.check();
  }

  TEST_CASE("a batch closes by bytes") {
    Fixture f;
    f.offer(f.agent(), 2, 9'000);
    f.loop.run_until_idle();
    CHECK(f.collector.count(Kind::segments) == 1);
    CHECK(f.collector.asked().back().segments.size() == 1);
  }

  TEST_CASE("another age and another size of batches count at once, also for what waits") {
    Fixture f({.batch_segments = 100, .batch_bytes = 1 << 20, .batch_age = 1min, .backoff = {}});
    const AgentPtr agent = f.agent();
    f.offer(agent, 3);
    f.loop.advance(1s);
    CHECK(f.collector.count(Kind::segments) == 0);
    f.pipeline.apply({.batch_segments = 100, .batch_bytes = 1 << 20, .batch_age = 2s, .backoff = {}});
    f.pass(999ms);
    CHECK(f.collector.count(Kind::segments) == 0);
    f.pass(2ms);
    CHECK(f.collector.delivered() == up_to(3));
    f.offer(agent, 5);
    f.pipeline.apply({.batch_segments = 5, .batch_bytes = 1 << 20, .batch_age = 1min, .backoff = {}});
    f.loop.run_until_idle();
    CHECK(f.collector.delivered() == up_to(8));
  }

  TEST_CASE("while the collector is away the records stay in the carrier") {
    Fixture f;
    f.collector.set_ready(false);
    f.loop.run_until_idle();
    f.offer(f.agent(), 50);
    f.pass(1h);
    CHECK(f.collector.count(Kind::segments) == 0);
    CHECK(f.carrier.held() == 50);
    CHECK(f.pipeline.held() == 0);
    f.collector.set_ready(true);
    f.pass(1s);
    CHECK(f.collector.delivered() == up_to(50));
  }

  TEST_CASE("nobody answered: the same batch again after back-off, counted as resent") {
    Fixture f;
    f.collector.script(Kind::segments, {V::retry, V::retry});
    const AgentPtr agent = f.agent();
    f.offer(agent, 10);
    f.loop.run_until_idle();
    CHECK(f.collector.count(Kind::segments) == 1);
    CHECK(f.pipeline.status()[0].state == LaneState::backing_off);
    CHECK(f.pipeline.status()[0].attempt == 1);
    CHECK(f.pipeline.status()[0].last_error == "scripted");
    f.pass(760ms);  // 1 s, of which the jitter takes a quarter
    CHECK(f.collector.count(Kind::segments) == 2);
    f.pass(1'510ms);
    CHECK(f.collector.count(Kind::segments) == 3);
    CHECK(f.collector.delivered() == up_to(10));
    CHECK(agent->ledger.counts().resent == 20);
    CHECK(f.pipeline.status()[0].last_error.empty());
  }

  TEST_CASE(
      "a new connection ends the back-off of a call that nobody answered, not of one that was asked to slow down") {
    for (const V verdict : {V::retry, V::back_off}) {
      CAPTURE(to_text(verdict));
      Fixture f;
      f.collector.script(Kind::segments, {verdict});
      f.offer(f.agent(), 10);
      f.loop.run_until_idle();
      f.collector.set_ready(false);
      f.collector.set_ready(true);
      f.loop.run_until_idle();
      CHECK(f.collector.count(Kind::segments) == (verdict == V::retry ? 2 : 1));
      f.pass(1s);
      CHECK(f.collector.delivered() == up_to(10));
      CHECK(f.sum().resent == (verdict == V::retry ? 10 : 0));
    }
  }

  TEST_CASE("a missing token or a wrong server holds the batch until the collector is ready again") {
    for (const V verdict : {V::hold_auth, V::wrong_server}) {
      CAPTURE(to_text(verdict));
      Fixture f;
      f.collector.hold_answers(true);
      f.offer(f.agent(), 10);
      f.loop.run_until_idle();
      f.collector.set_ready(false);  // as the real one is after such an answer
      f.collector.answer_all(verdict);
      f.loop.run_until_idle();
      CHECK(f.pipeline.status()[0].state == LaneState::waiting_for_collector);
      f.pass(10min);
      CHECK(f.collector.count(Kind::segments) == 1);
      f.collector.hold_answers(false);
      f.collector.set_ready(true);
      f.loop.run_until_idle();
      CHECK(f.collector.delivered() == up_to(10));
      CHECK(f.sum().resent == 0);
    }
  }

  TEST_CASE("one segment that is always refused is found and dropped, all others arrive in order") {
    for (const std::uint64_t bad : {1u, 5u, 10u}) {
      CAPTURE(bad);
      Fixture f;
      f.collector.poison(bad);
      const AgentPtr agent = f.agent();
      f.offer(agent, 10);
      f.pass(10min);
      f.offer(agent);
      f.pass(10min);
      std::vector<std::uint64_t> expected = up_to(11);
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(bad) - 1);
      CHECK(f.collector.delivered() == expected);
      CHECK(f.dropped(DropReason::rejected) == 1);
      CHECK(agent->ledger.settled() == 11);
    }
  }

  TEST_CASE("a lone bad segment is kept until another has been delivered, and does not stand in its way") {
    Fixture f;
    f.collector.poison(1);
    const AgentPtr agent = f.agent();
    f.offer(agent);
    f.pass(1h);
    CHECK(f.pipeline.held() == 1);
    CHECK(f.sum().dropped_total() == 0);
    f.offer(agent, 3);
    f.pass(2min);
    CHECK(f.collector.delivered() == std::vector<std::uint64_t>{2, 3, 4});
    CHECK(f.dropped(DropReason::rejected) == 1);
  }

  TEST_CASE("a good segment does not wait for a bad one longer than the whole batch is tried") {
    for (const bool blamed : {false, true}) {
      for (const std::uint64_t bad : {1u, 2u}) {
        CAPTURE(bad);
        Fixture f;
        f.collector.poison(bad);
        f.collector.blame_content(blamed);
        f.offer(f.agent(), 2);
        f.pass(250ms);  // the age of a batch
        f.pass(blamed ? 10ms : 2'300ms);
        CHECK(f.collector.delivered() == std::vector<std::uint64_t>{3 - bad});
        f.offer(f.agents[0]);  // the witness, where the good one went first
        f.pass(1min);
        CHECK(f.dropped(DropReason::rejected) == 1);
      }
    }
  }

  TEST_CASE("one that is refused alone does not hold up what comes after it") {
    Fixture f;
    f.collector.poison(1);
    f.offer(f.agent());
    f.pass(250ms);
    CHECK(f.collector.count(Kind::segments) == 1);
    f.offer(f.agents[0]);
    f.pass(1s);
    CHECK(f.collector.delivered() == std::vector<std::uint64_t>{2});
    CHECK(f.pipeline.held() == 1);  // three times alone, and not sooner
    f.pass(10s);
    CHECK(f.dropped(DropReason::rejected) == 1);
  }

  TEST_CASE("two bad segments at the end of a batch do not hold up what comes after them") {
    for (const bool blamed : {false, true}) {
      CAPTURE(blamed);
      Fixture f;
      f.collector.poison(3);
      f.collector.poison(4);
      f.collector.blame_content(blamed);
      f.offer(f.agent(), 4);
      f.pass(1min);
      f.offer(f.agents[0], 20);
      f.pass(24h);
      CHECK(f.collector.delivered().size() == 22);
      CHECK(f.dropped(DropReason::rejected) == 2);
    }
  }

  TEST_CASE("of a large batch the one that the server blames is found without waiting") {
    for (const std::uint64_t bad : {1u, 777u, 2000u}) {
      CAPTURE(bad);
      Fixture f({.batch_segments = 2000, .batch_bytes = 1u << 20, .batch_age = 250ms, .backoff = {}});
      f.collector.poison(bad);
      f.collector.blame_content(true);
      f.offer(f.agent(), 2000);
      f.pass(10ms);
      CHECK(f.collector.delivered().size() == 1999);
      f.offer(f.agents[0]);
      f.pass(1min);
      CHECK(f.dropped(DropReason::rejected) == 1);
      CHECK(f.collector.count(Kind::segments) < 40);
    }
  }

  TEST_CASE(
      "a collector that blames whatever it gets is asked a bounded number of times at once, then ever less often") {
    Fixture f;
    f.collector.script(Kind::segments, std::vector<V>(1000, V::suspect));
    f.collector.blame_content(true);
    f.offer(f.agent(), 100);
    f.pass(10ms);
    CHECK(f.collector.count(Kind::segments) <= kMostAtOnce + 1);
    f.pass(30min);
    CHECK(f.collector.count(Kind::segments) < 160);
    CHECK(f.sum().dropped_total() == 0);
  }

  TEST_CASE("what another lane delivers is evidence against a lone bad segment") {
    Fixture f({.batch_segments = 10, .batch_bytes = 16 * 1024, .batch_age = 250ms, .backoff = {}}, 2);
    const AgentPtr bad = f.agent("bad");
    AgentPtr good;
    for (int i = 0; good == nullptr; ++i) {
      const AgentPtr candidate = make_agent("shop", "good-" + std::to_string(i), 99);
      if (f.carrier.channel_of(*candidate) != f.carrier.channel_of(*bad)) good = candidate;
    }
    f.agents.push_back(good);
    f.collector.poison(1);
    f.offer(bad);
    f.pass(1s);
    f.offer(good);
    f.pass(10min);
    CHECK(f.collector.delivered() == std::vector<std::uint64_t>{2});
    CHECK(f.dropped(DropReason::rejected) == 1);
  }

  TEST_CASE("bad segments of two instances, one behind the other, cost those only") {
    Fixture f;
    for (const std::uint64_t bad : {1u, 2u, 3u, 17u, 20u}) f.collector.poison(bad);
    const AgentPtr one = f.agent("one"), other = f.agent("other");
    f.offer(one, 8);
    f.offer(other, 13);
    f.pass(1h);
    CHECK(f.collector.delivered().size() == 16);
    CHECK(one->ledger.counts().dropped[static_cast<std::size_t>(DropReason::rejected)] == 3);
    CHECK(other->ledger.counts().dropped[static_cast<std::size_t>(DropReason::rejected)] == 2);
  }

  TEST_CASE(
      "a collector that refuses every segment loses nothing, also while it answers heartbeats, and is not stormed") {
    Fixture f;
    f.collector.script(Kind::segments, std::vector<V>(150, V::suspect));
    f.offer(f.agent(), 30);
    for (int i = 0; i < 60; ++i) {
      f.collector.succeed_elsewhere();
      f.pass(30s);
    }
    // Half an hour at the slowest pace, 15 s to 30 s, and the few calls that cut the batch.
    CHECK(f.collector.count(Kind::segments) < 150);
    CHECK(f.sum().dropped_total() == 0);
    CHECK(f.pipeline.held() <= 20);  // a batch and its witness
    f.pass(2h);
    std::vector<std::uint64_t> arrived = f.collector.delivered();
    std::sort(arrived.begin(), arrived.end());
    CHECK(arrived == up_to(30));
    CHECK(f.sum().dropped_total() == 0);
  }

  TEST_CASE("what the dialect cannot express is dropped as such, the rest goes") {
    Fixture f;
    f.collector.make_unencodable(2);
    f.collector.make_unencodable(9);
    f.offer(f.agent(), 10);
    f.pass(1s);
    CHECK(f.collector.delivered() == std::vector<std::uint64_t>{1, 3, 4, 5, 6, 7, 8, 10});
    CHECK(f.dropped(DropReason::encode) == 2);
  }

  TEST_CASE("a batch of nothing but that makes no call and does not stop the lane") {
    Fixture f;
    for (std::uint64_t seq = 1; seq <= 10; ++seq) f.collector.make_unencodable(seq);
    f.offer(f.agent(), 15);
    f.pass(1s);
    CHECK(f.dropped(DropReason::encode) == 10);
    CHECK(f.collector.delivered() == std::vector<std::uint64_t>{11, 12, 13, 14, 15});
  }

  TEST_CASE("what does not fit one message goes in the next, in order") {
    Fixture f;
    f.collector.limit_message(4);
    f.offer(f.agent(), 10);
    f.pass(1s);
    CHECK(f.collector.count(Kind::segments) == 3);
    CHECK(f.collector.delivered() == up_to(10));
  }

  TEST_CASE("a lane whose call hangs does not stop the others") {
    Fixture f({.batch_segments = 1, .batch_bytes = 16 * 1024, .batch_age = 250ms, .backoff = {}}, 2);
    const AgentPtr stuck = f.agent("stuck");
    AgentPtr free;
    for (int i = 0; free == nullptr; ++i) {
      const AgentPtr candidate = make_agent("shop", "free-" + std::to_string(i), 99);
      if (f.carrier.channel_of(*candidate) != f.carrier.channel_of(*stuck)) free = candidate;
    }
    f.agents.push_back(free);
    f.collector.hold_answers(true);
    f.offer(stuck);
    f.loop.run_until_idle();
    f.collector.hold_answers(false);
    f.offer(stuck);
    f.offer(free, 3);
    f.loop.run_until_idle();
    CHECK(free->ledger.counts().delivered == 3);
    CHECK(stuck->ledger.counts().delivered == 0);
    CHECK(f.carrier.held() == 1);
  }

  TEST_CASE("a drain sends at once what is held, and says so when it is through") {
    Fixture f;
    f.offer(f.agent(), 25);
    bool done = false;
    f.pipeline.drain(5s, [&] { done = true; });
    CHECK_FALSE(done);
    f.loop.run_until_idle();
    CHECK(done);
    CHECK(f.collector.delivered() == up_to(25));
  }

  TEST_CASE("a drain with nothing to send is through in the next turn") {
    Fixture f;
    bool done = false;
    f.pipeline.drain(5s, [&] { done = true; });
    CHECK_FALSE(done);
    f.loop.run_until_idle();
    CHECK(done);
  }

  TEST_CASE("a drain tries several times within its deadline") {
    Fixture f;
    f.collector.script(Kind::segments, {V::retry, V::retry, V::retry});
    f.offer(f.agent(), 5);
    bool done = false;
    f.pipeline.drain(1s, [&] { done = true; });
    f.pass(900ms);
    CHECK(done);
    CHECK(f.collector.delivered() == up_to(5));
  }

  TEST_CASE("a drain ends at its deadline, and what is left is still held") {
    Fixture f;
    f.collector.hold_answers(true);
    f.offer(f.agent(), 25);
    int done = 0;
    f.pipeline.drain(2s, [&] { ++done; });
    f.pass(1'900ms);
    CHECK(done == 0);
    f.pass(200ms);
    CHECK(done == 1);
    CHECK(f.pipeline.held() + f.carrier.held() == 25);
    f.pass(1min);
    CHECK(done == 1);
  }

  TEST_CASE("a reset clears one instance everywhere but in the call in flight") {
    Fixture f;
    const AgentPtr cleared = f.agent("cleared"), kept = f.agent("kept");
    f.collector.limit_message(4);
    f.collector.hold_answers(true);
    f.offer(cleared, 6);
    f.offer(kept, 4);  // one batch of ten: four in flight, six behind it in the lane
    f.offer(cleared, 2);
    f.loop.run_until_idle();
    f.pipeline.clear(DropReason::reset, cleared.get());
    f.check();
    CHECK(cleared->ledger.counts().dropped[static_cast<std::size_t>(DropReason::reset)] == 4);
    CHECK(f.pipeline.held() == 8);
    f.collector.hold_answers(false);
    f.collector.answer_all();
    f.pass(1s);
    CHECK(cleared->ledger.counts().delivered == 4);
    CHECK(kept->ledger.counts().delivered == 4);
  }

  TEST_CASE("a reset of all ends a back-off and leaves nothing behind") {
    Fixture f;
    f.collector.script(Kind::segments, {V::back_off});
    f.offer(f.agent(), 12);
    f.loop.run_until_idle();
    f.pipeline.clear(DropReason::reset);
    CHECK(f.pipeline.held() + f.carrier.held() == 0);
    CHECK(f.dropped(DropReason::reset) == 12);
    f.offer(f.agents[0], 10);
    f.loop.run_until_idle();
    CHECK(f.collector.delivered().size() == 10);
  }

  TEST_CASE("a record that is lost on purpose unbalances the account") {
    Fixture f;
    const AgentPtr agent = f.agent();
    f.offer(agent, 3);
    const std::vector<Walk> walks{[&f](const auto& visit) { f.carrier.for_each(visit); },
                                  [&f](const auto& visit) { f.pipeline.for_each_held(visit); }};
    CHECK(is_conserved(f.agents, walks));
    std::vector<Record> leaked = f.carrier.take_batch(0, 1, 1'000);
    CHECK_FALSE(is_conserved(f.agents, walks));
    leaked[0].agent().ledger.drop(leaked[0].seq(), DropReason::reset);  // found again
    CHECK(is_conserved(f.agents, walks));
  }
}
