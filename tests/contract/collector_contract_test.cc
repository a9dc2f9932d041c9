// What every Collector must do, whatever generation it speaks, against a real
// server on a real loop. A new dialect is added to `make_subject`.

#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "base/random.h"
#include "loop/uv_loop.h"
#include "make.h"
#include "random_segment.h"
#include "run_until.h"
#include "test_collector.h"
#include "uplink/dialect.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

namespace {

struct Fixture final : CollectorListener {
  explicit Fixture(UplinkOptions options = {}, TestCollectorOptions served = {}) : server(served) {
    if (options.addresses.empty()) options.addresses = {server.address()};
    if (options.backoff.max == Backoff{}.max) options.backoff = {20ms, 100ms};
    subject = make_collector(options, loop, random);
    subject->add_listener(*this);
  }
  ~Fixture() override {
    calls.clear();
    subject.reset();
  }

  void on_collector_ready() override { ++ready; }
  void on_collector_lost() override { ++lost; }

  void start() {
    subject->start();
    REQUIRE(run_until([this] { return ready > 0; }));
  }

  bool run_until(const std::function<bool()>& fact) { return sidecar::run_until(loop, fact); }
  // Runs the loop for a moment, in which something must not happen.
  void run_for(Duration time) {
    const auto end = loop.make_timer([this] { loop.stop(); });
    end->start(time);
    loop.run();
  }

  Answered into(std::optional<Outcome>& slot) {
    return [&slot](Outcome outcome) { slot = std::move(outcome); };
  }
  // Waits for its answer.
  Outcome answer(const std::function<CallPtr(Answered)>& make) {
    std::optional<Outcome> outcome;
    const CallPtr call = make(into(outcome));
    REQUIRE(call != nullptr);
    CHECK_FALSE(outcome);  // never from within
    REQUIRE(run_until([&] { return outcome.has_value(); }));
    return *outcome;
  }
  Outcome keep_alive() {
    return answer([this](Answered answered) { return subject->keep_alive(name, std::move(answered)); });
  }
  Outcome properties() {
    return answer([this](Answered answered) {
      return subject->report_properties(name, {{"language", "cpp"}, {"ipv4", "10.0.0.1"}, {"ipv4", "10.0.0.2"}},
                                        std::move(answered));
    });
  }
  std::vector<Record> segments(int count) {
    std::vector<Record> batch;
    for (int i = 0; i < count; ++i) {
      const NumberSource next = [this] { return random.next(); };
      batch.emplace_back(RecordKind::segment, agent, ++seq, loop.now(), make_random_segment(next));
    }
    return batch;
  }
  // Of 150 kB each.
  std::vector<Record> large_segments(int count) {
    std::vector<Record> batch;
    flatbuffers::FlatBufferBuilder fbb;
    const std::vector<flatbuffers::Offset<fbs::Tag>> tags{
        fbs::CreateTagDirect(fbb, "n", std::string(150'000, 'x').c_str())};
    const auto span = fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Local, 0, 0, false, "/a", nullptr, &tags);
    const auto spans = fbb.CreateVector(&span, 1);
    const fbs::Id id(1, 2, 3);
    fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
    for (int i = 0; i < count; ++i)
      batch.emplace_back(RecordKind::segment, agent, ++seq, loop.now(),
                         std::span<const std::uint8_t>(fbb.GetBufferPointer(), fbb.GetSize()));
    return batch;
  }
  // "path status" of every call, in order.
  std::vector<std::string> calls_made() const {
    std::vector<std::string> calls;
    for (const StoredCall& call : server.store().call_log()) calls.push_back(call.path + " " + call.status);
    return calls;
  }
  Outcome send(const std::vector<Record>& batch) {
    return answer([&](Answered answered) { return subject->send_segments(batch, encoding, std::move(answered)); });
  }
  Outcome send(int count = 3) { return send(segments(count)); }

  SystemRandom random;
  UvLoop loop;
  TestCollector server;
  std::unique_ptr<Collector> subject;
  InstanceName name{"shop", "shop-1", "GENERAL"};
  AgentPtr agent = make_agent();
  std::uint64_t seq = 0;
  Collector::Encoding encoding;
  std::vector<CallPtr> calls;
  int ready = 0;
  int lost = 0;
};

// The four ways to send segments, in the order in which they are tried.
struct Way {
  bool packaged, bare, sync;  // what the server has
  const char* path;           // what works there
  const char* name;           // as status() says it
};
constexpr Way kWays[] = {
    {true, true, true, "/skywalking.v3.TraceSegmentReportService/collectInSync", "skywalking.v3 collectInSync"},
    {false, true, true, "/TraceSegmentReportService/collectInSync", "bare collectInSync"},
    {true, true, false, "/skywalking.v3.TraceSegmentReportService/collect", "skywalking.v3 collect"},
    {false, true, false, "/TraceSegmentReportService/collect", "bare collect"},
};
// What a server of 8.0 or 8.1 is.
const TestCollectorOptions kOldServer = {.packaged = false, .sync = false};

Misbehaviour status(int code, std::string message = "no") {
  return {.fault = Fault::status, .times = 1, .code = code, .message = std::move(message)};
}

// Where what lasts is far longer than a test.
UplinkOptions slow_backoff() {
  UplinkOptions options;
  options.backoff = {20ms, 1min};
  return options;
}
// The least that five waits take which double from 20 ms and are cut to their half by jitter.
constexpr auto kFiveWaits = 10ms + 20ms + 40ms + 80ms + 160ms;

// Under TSan gRPC's own, suppressed reports take many seconds of a large stream.
UplinkOptions patient() {
  UplinkOptions options;
  options.deadline = 10min;
  return options;
}

UplinkOptions short_deadline() {
  UplinkOptions options;
  options.deadline = 300ms;
  return options;
}

}  // namespace

TEST_SUITE("contract/collector") {
  TEST_CASE("registration, heartbeat and segments arrive as they were given") {
    Fixture f;
    f.start();
    CHECK(f.subject->ready());
    CHECK(f.properties().verdict == V::delivered);
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.send(5).verdict == V::delivered);
    CHECK(f.encoding.taken == 5);
    CHECK(f.encoding.unencodable.empty());
    const StoredInstance instance = f.server.store().instance("shop", "shop-1");
    CHECK(instance.keep_alives == 1);
    CHECK(instance.layer == "GENERAL");
    CHECK(instance.segments == 5);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(instance.properties == Pairs{{"language", "cpp"}, {"ipv4", "10.0.0.1"}, {"ipv4", "10.0.0.2"}});
    CHECK(f.server.store().last_agent_version() == "0.1.0");
    CHECK(f.subject->status().state == CollectorState::up);
    CHECK(f.subject->status().address == f.server.address());
    CHECK(f.subject->status().spelling == "skywalking.v3 collectInSync");
    CHECK(f.subject->status().calls_ok == 3);
    CHECK(f.subject->status().last_error.empty());
  }

  TEST_CASE("every status becomes its verdict, with the server's words") {
    Fixture f;
    f.start();
    for (int code = 1; code <= 16; ++code) {
      CAPTURE(code);
      const Verdict expected = verdict_of(code, false);
      if (expected == V::next_spelling || expected == V::hold_auth) continue;  // cases of their own below
      f.server.misbehave(status(code, "because \x1b[31m"));
      const Outcome outcome = f.send();
      CHECK(outcome.verdict == expected);
      CHECK(outcome.detail == std::string(status_name(code)) + ": because \\x1b[31m");
    }
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.lost == 0);
  }

  TEST_CASE("a call that hangs ends at its deadline and the next one goes") {
    Fixture f(short_deadline());
    f.start();
    f.server.misbehave({.fault = Fault::hang, .times = 1});
    CHECK(f.send().verdict == V::retry);
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("a slow answer is an answer") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::slow, .times = 1, .delay = 50ms});
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("RST_STREAM by the server is a refusal, not our own cancel") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::reset_stream, .times = 1});
    const Outcome outcome = f.send();
    CHECK(outcome.verdict == V::suspect);
    CAPTURE(outcome.detail);
    CHECK(outcome.detail.rfind("CANCELLED", 0) == 0);
  }

  TEST_CASE("an OK with bytes that are no message is an OK, and counted") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::garbage, .times = 1});
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().undecodable_answers == 1);
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().undecodable_answers == 1);
  }

  TEST_CASE("so is one with more bytes than are read: sending again would bring the same") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::garbage, .times = 1, .message = std::string(100'000, 'x')});
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().undecodable_answers == 1);
    CHECK(f.subject->ready());
  }

  TEST_CASE("a server that says that our message is longer than it reads has not got it") {
    Fixture f;
    f.start();
    f.server.misbehave(status(8, "Received message larger than max (2200000 vs. 2097152)"));
    CHECK(f.send().verdict != V::delivered);
  }

  TEST_CASE("a server that knows the bare spelling only is found out at the first call, and remembered") {
    Fixture f({}, {.packaged = false});
    f.start();
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.server.store().count_calls("/skywalking.v3.TraceSegmentReportService/collectInSync", "UNIMPLEMENTED") == 1);
    CHECK(f.server.store().count_calls("", "UNIMPLEMENTED") == 1);
    CHECK(f.subject->status().spelling == "bare collectInSync");
    CHECK(f.lost == 0);
  }

  TEST_CASE("a server that knows neither is a wrong one: lost, probed, and ready again when it has become right") {
    Fixture f({}, {.packaged = false, .bare = false});
    f.start();
    CHECK(f.send().verdict == V::wrong_server);
    CHECK_FALSE(f.subject->ready());
    CHECK(f.subject->status().state == CollectorState::wrong_server);
    REQUIRE(f.run_until([&] { return f.lost == 1 && f.server.store().count_calls("collectInSync") >= 6; }));
    CHECK(f.ready == 1);
    f.server.serve(true, true);
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.subject->ready());
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.server.store().instances().size() == 1);  // probing left nothing behind
  }

  TEST_CASE("a wrong token holds everything until it is accepted") {
    Fixture f;
    f.start();
    f.server.set_token("secret");
    const Outcome outcome = f.keep_alive();
    CHECK(outcome.verdict == V::hold_auth);
    CHECK(outcome.detail == "PERMISSION_DENIED");
    CHECK(f.subject->status().state == CollectorState::auth);
    CHECK_FALSE(f.subject->ready());
    REQUIRE(f.run_until([&] { return f.lost == 1; }));
    f.server.set_token("");
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.keep_alive().verdict == V::delivered);
  }

  TEST_CASE("UNAUTHENTICATED holds as well") {
    Fixture f;
    f.start();
    f.server.misbehave(status(16));
    CHECK(f.send().verdict == V::hold_auth);
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
  }

  TEST_CASE("a layer that the server does not know falls back to GENERAL") {
    Fixture f;
    f.start();
    f.name.layer = "FAAS";
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.server.store().instance("shop", "shop-1").layer == "FAAS");
    f.server.misbehave(status(2, "No enum constant"));
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.server.store().instance("shop", "shop-1").layer == "GENERAL");
    Misbehaviour always = status(2);
    always.times = 2;
    f.server.misbehave(always);
    CHECK(f.keep_alive().verdict == V::suspect);  // not the layer then; tried once more, not for ever
  }

  TEST_CASE("a server without registration gets segments all the same") {
    Fixture f;
    f.start();
    for (const char* method : {"keepAlive", "reportInstanceProperties"})
      f.server.misbehave({.fault = Fault::unimplemented, .method = method});
    CHECK(f.keep_alive().verdict == V::wrong_server);
    CHECK(f.properties().verdict == V::wrong_server);
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->ready());
    CHECK(f.lost == 0);
  }

  TEST_CASE("a wrong server is found out by a heartbeat too") {
    Fixture f({}, {.packaged = false, .bare = false});
    f.start();
    CHECK(f.keep_alive().verdict == V::wrong_server);
    REQUIRE(f.run_until([&] { return f.lost == 1; }));
    CHECK(f.subject->status().state == CollectorState::wrong_server);
  }

  TEST_CASE("a server that goes away is lost, one that comes back is ready, and calls work again") {
    Fixture f;
    f.start();
    CHECK(f.send().verdict == V::delivered);
    f.server.close();
    REQUIRE(f.run_until([&] { return f.lost == 1; }));
    CHECK_FALSE(f.subject->ready());
    CHECK(f.subject->status().state == CollectorState::down);
    CHECK(f.send().verdict == V::retry);
    f.server.open();
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().connects == 2);
  }

  TEST_CASE("a server that accepts and hangs up is tried ever more slowly") {
    Fixture f(slow_backoff());
    f.start();
    const Tick begin = f.loop.now();
    f.server.misbehave({.fault = Fault::close});
    for (int i = 1; i <= 5; ++i) {
      f.send(1);
      REQUIRE(f.run_until([&] { return f.ready == 1 + i; }));
    }
    CHECK(f.loop.now() - begin >= kFiveWaits);
  }

  TEST_CASE("a server that takes the probe and refuses heartbeats is probed ever more slowly") {
    Fixture f(slow_backoff());
    f.start();
    const Tick begin = f.loop.now();
    Misbehaviour denied = status(7);
    denied.times = -1;
    denied.method = "keepAlive";
    f.server.misbehave(denied);
    for (int i = 1; i <= 5; ++i) {
      f.keep_alive();
      REQUIRE(f.run_until([&] { return f.ready == 1 + i; }));
    }
    CHECK(f.loop.now() - begin >= kFiveWaits);
  }

  TEST_CASE("a server that is not there yet is connected to when it comes") {
    Fixture f;
    f.server.close();
    f.subject->start();
    f.run_for(200ms);
    CHECK(f.ready == 0);
    CHECK(f.lost == 0);
    f.server.open();
    REQUIRE(f.run_until([&] { return f.ready == 1; }));
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("of several addresses the next one is tried when one does not answer") {
    TestCollector other;
    TestCollector dead;
    dead.close();
    UplinkOptions options;
    options.addresses = {dead.address(), other.address()};
    Fixture f(options);
    f.start();
    CHECK(f.subject->status().address == other.address());
  }

  TEST_CASE("a server that is shut down in mid-call leaves a call of unknown outcome") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::close, .times = 1});
    const Outcome outcome = f.send();
    CAPTURE(outcome.detail);
    CHECK((outcome.verdict == V::retry || outcome.verdict == V::suspect));
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("a destroyed call is cancelled and its answer does not arrive") {
    Fixture f;
    f.start();
    f.server.misbehave({.fault = Fault::hang});
    bool answered = false;
    const std::vector<Record> batch = f.segments(1);
    CallPtr call = f.subject->send_segments(batch, f.encoding, [&](Outcome) { answered = true; });
    REQUIRE(f.run_until([&] { return f.server.parked() == 1; }));
    call.reset();
    REQUIRE(f.run_until([&] { return f.server.parked() == 0; }));  // the server learns of it
    f.run_for(20ms);
    CHECK_FALSE(answered);
  }

  TEST_CASE("a callback may destroy its own call") {
    Fixture f;
    f.start();
    CallPtr call;
    bool answered = false;
    call = f.subject->keep_alive(f.name, [&](Outcome) {
      call.reset();
      answered = true;
    });
    REQUIRE(f.run_until([&] { return answered; }));
  }

  TEST_CASE("a collector with calls in flight is destroyed without waiting for them") {
    auto f = std::make_unique<Fixture>();
    f->start();
    f->server.misbehave({.fault = Fault::hang});
    bool answered = false;
    for (int i = 0; i < 20; ++i) f->calls.push_back(f->subject->keep_alive(f->name, [&](Outcome) { answered = true; }));
    REQUIRE(f->run_until([&] { return f->server.parked() == 20; }));
    const auto before = std::chrono::steady_clock::now();
    f->calls.clear();
    f->subject.reset();
    const auto took = std::chrono::steady_clock::now() - before;
    MESSAGE("destroyed in " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms");
    CHECK(took < 10s);
    CHECK_FALSE(answered);
  }

  TEST_CASE("a batch larger than a message is taken in parts") {
    Fixture f;
    f.start();
    const std::vector<Record> batch = f.large_segments(10);
    CHECK(f.send(batch).verdict == V::delivered);
    CHECK(f.encoding.taken == 6);
    CHECK(f.encoding.bytes <= 1u << 20);
  }

  TEST_CASE("secrets stay here, peers have their prefix, and what was changed counts once, when it has arrived") {
    UplinkOptions options;
    options.peer_prefix = "cluster/";
    Fixture f(options);
    f.start();
    flatbuffers::FlatBufferBuilder fbb;
    const std::vector<flatbuffers::Offset<fbs::Tag>> tags{fbs::CreateTagDirect(fbb, "password", "s3cret")};
    const auto span = fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Exit, 3, 1, false,
                                            ("/a?token=s3cret&b=" + std::string(200, 'b')).c_str(), "h:1", &tags);
    const auto spans = fbb.CreateVector(&span, 1);
    const fbs::Id id(1, 2, 3);
    fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
    std::vector<Record> batch;
    batch.emplace_back(RecordKind::segment, f.agent, 1, Tick{},
                       std::vector<std::uint8_t>(fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()));
    f.server.misbehave(status(14));
    CHECK(f.send(batch).verdict == V::retry);
    CHECK(f.subject->status().changes == SegmentChanges{});
    CHECK(f.send(batch).verdict == V::delivered);
    CHECK(f.subject->status().changes == SegmentChanges{0, 1, 1, 1, 0});
    REQUIRE(f.server.store().segment_count() == 1);
    const wire::v3::SegmentObject arrived = f.server.store().segments()[0];
    CHECK(arrived.SerializeAsString().find("s3cret") == std::string::npos);
    CHECK(arrived.spans(0).tags(0).value() == "***");
    CHECK(arrived.spans(0).peer() == "cluster/h:1");
  }

  TEST_CASE("what is no segment is left out, and nothing but that makes no call") {
    Fixture f;
    f.start();
    std::vector<Record> batch = f.segments(3);
    batch.insert(batch.begin() + 1, make_record(f.agent, 99));
    CHECK(f.send(batch).verdict == V::delivered);
    CHECK(f.encoding.unencodable == std::vector<std::size_t>{1});
    CHECK(f.server.store().segment_count() == 3);
    std::vector<Record> nothing;
    nothing.push_back(make_record(f.agent, 100));
    CHECK(f.subject->send_segments(nothing, f.encoding, [](Outcome) {}) == nullptr);
  }

  TEST_CASE("text that is not UTF-8 is repaired on its way to registration too") {
    Fixture f;
    f.start();
    f.name = {"shop\xff", "one\x80", "GENERAL"};
    CHECK(f.properties().verdict == V::delivered);
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.server.store().instance("shop\xEF\xBF\xBD", "one\xEF\xBF\xBD").keep_alives == 1);
  }

  TEST_CASE("of the four ways to send segments the first that exists is found in order, and remembered") {
    for (std::size_t right = 0; right < std::size(kWays); ++right) {
      const Way& way = kWays[right];
      CAPTURE(way.name);
      Fixture f({}, {.packaged = way.packaged, .bare = way.bare, .sync = way.sync});
      f.start();
      CHECK(f.send().verdict == V::delivered);
      CHECK(f.send().verdict == V::delivered);
      std::vector<std::string> expected;
      for (std::size_t i = 0; i < right; ++i) expected.push_back(std::string(kWays[i].path) + " UNIMPLEMENTED");
      expected.insert(expected.end(), 2, std::string(way.path) + " OK");
      CHECK(f.calls_made() == expected);
      CHECK(f.subject->status().spelling == way.name);
      CHECK(f.server.store().segment_count() == 6);
      CHECK(f.lost == 0);
    }
  }

  TEST_CASE("a server without any of the four is asked for each, then held to be a wrong one") {
    Fixture f(slow_backoff(), {.packaged = false, .bare = false});
    f.start();
    CHECK(f.send().verdict == V::wrong_server);
    std::vector<std::string> expected;
    for (const Way& way : kWays) expected.push_back(std::string(way.path) + " UNIMPLEMENTED");
    const std::vector<std::string> made = f.calls_made();
    REQUIRE(made.size() >= 4);
    CHECK(std::vector<std::string>(made.begin(), made.begin() + 4) == expected);
    CHECK(f.subject->status().state == CollectorState::wrong_server);
  }

  TEST_CASE("the spelling that a heartbeat has found is the first for segments") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.keep_alive().verdict == V::delivered);
    CHECK(f.subject->status().spelling == "bare");
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.calls_made()[2] == "/TraceSegmentReportService/collectInSync UNIMPLEMENTED");
    CHECK(f.subject->status().spelling == "bare collect");
  }

  TEST_CASE("a server that is upgraded behind the same address is spoken to as what it has become") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().spelling == "bare collect");
    f.server.close();
    REQUIRE(f.run_until([&] { return f.lost == 1; }));
    f.server.serve(true, true);
    f.server.open();
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().spelling == "skywalking.v3 collectInSync");
    CHECK(f.calls_made().back() == std::string(kWays[0].path) + " OK");
  }

  TEST_CASE("a way that ceases to exist on a living connection is replaced by another") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    f.server.misbehave({.fault = Fault::unimplemented, .method = "collect"});
    f.server.serve(true, true);
    CHECK(f.send().verdict == V::delivered);
    CHECK(f.subject->status().spelling == "bare collectInSync");
    CHECK(f.lost == 0);
  }

  TEST_CASE("200 segments go over the stream whole and in order") {
    Fixture over_stream(patient(), kOldServer);
    Fixture at_once;
    const std::vector<Record> batch = over_stream.segments(200);
    for (Fixture* f : {&over_stream, &at_once}) {
      f->start();
      CHECK(f->send(batch).verdict == V::delivered);
      CHECK(f->encoding.taken == 200);
    }
    const auto streamed = over_stream.server.store().segments();
    const auto sent_at_once = at_once.server.store().segments();
    REQUIRE(streamed.size() == 200);
    REQUIRE(sent_at_once.size() == 200);
    for (std::size_t i = 0; i < 200; ++i) CHECK(streamed[i].SerializeAsString() == sent_at_once[i].SerializeAsString());
  }

  TEST_CASE("a stream that is larger than any window goes through") {
    Fixture f(patient(), kOldServer);
    f.start();
    CHECK(f.send(f.large_segments(10)).verdict == V::delivered);
    CHECK(f.encoding.taken == 6);
    CHECK(f.server.store().segment_count() == 6);
  }

  TEST_CASE("a status in the middle of a stream is the call's, whatever has arrived") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    for (const int code : {2, 7, 8, 13}) {
      CAPTURE(code);
      Misbehaviour early = status(code);
      early.method = "collect";
      f.server.misbehave(early);
      CHECK(f.send(f.large_segments(6)).verdict == verdict_of(code, false));
      if (code == 7) REQUIRE(f.run_until([&] { return f.subject->ready(); }));
    }
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("a stream that hangs ends at its deadline") {
    Fixture f(short_deadline(), kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    f.server.misbehave({.fault = Fault::hang, .method = "collect", .times = 1});
    CHECK(f.send(f.large_segments(6)).verdict == V::retry);
  }

  TEST_CASE("a stream that breaks is of unknown outcome") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    f.server.misbehave({.fault = Fault::close, .method = "collect", .times = 1});
    const Outcome outcome = f.send(f.large_segments(6));
    CAPTURE(outcome.detail);
    CHECK((outcome.verdict == V::retry || outcome.verdict == V::suspect));
    REQUIRE(f.run_until([&] { return f.ready == 2; }));
    CHECK(f.send().verdict == V::delivered);
  }

  TEST_CASE("streams in flight are cancelled by destroying them, at any point") {
    Fixture f({}, kOldServer);
    f.start();
    CHECK(f.send().verdict == V::delivered);
    f.server.misbehave({.fault = Fault::hang, .method = "collect"});
    bool answered = false;
    const std::vector<Record> batch = f.large_segments(6);
    for (int turn = 0; turn < 20; ++turn) {
      CallPtr call = f.subject->send_segments(batch, f.encoding, [&](Outcome) { answered = true; });
      f.run_for(turn * 200us);
      call.reset();
    }
    CallPtr last = f.subject->send_segments(batch, f.encoding, [&](Outcome) { answered = true; });
    REQUIRE(f.run_until([&] { return f.server.parked() > 0; }));
    last.reset();
    REQUIRE(f.run_until([&] { return f.server.parked() == 0; }));
    CHECK_FALSE(answered);
    CallPtr in_flight = f.subject->send_segments(batch, f.encoding, [&](Outcome) { answered = true; });
    in_flight.reset();
    f.subject.reset();  // does not wait for what was cancelled
    CHECK_FALSE(answered);
  }
}
