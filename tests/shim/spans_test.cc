#include "fixture.h"

using namespace sidecar;
using namespace sidecar_test;

TEST_SUITE_BEGIN("shim/spans");

TEST_CASE("every setter shows in the segment that arrives") {
  Fixture f;
  const Received got = f.one([](Tracer tracer) {
    Span span = tracer.entry("first name");
    CHECK(bool(span));
    span.tag("text", "value").tag("number", 7).tag("big", ~std::uint64_t{0}).tag("yes", true).tag("negative", -3L);
    span.tag("string", std::string("s")).tag("none", static_cast<const char*>(nullptr));
    span.operation("GET:/orders").layer(SpanLayer::http).component(49).peer("10.0.0.1:80").skip_analysis();
    span.log({{"event", "retry"}, {"message", "again"}});
    span.error("Timeout", "took too long", "at main");
  });
  CHECK(got.seq == 1);
  CHECK_FALSE(got.replay);
  const fbs::Span& span = got.span(0);
  CHECK(got.operation() == "GET:/orders");
  CHECK(span.type() == fbs::SpanType::Entry);
  CHECK(span.span_id() == 0);
  CHECK(span.parent_span_id() == -1);
  CHECK(span.layer() == 3);
  CHECK(span.component() == 49);
  CHECK(span.error());
  CHECK(span.skip_analysis());
  CHECK(text(span.peer()) == "10.0.0.1:80");
  CHECK(span.start_us() > 1'600'000'000'000'000);
  CHECK(span.duration_us() >= 0);
  CHECK(got.tag(0, "text") == "value");
  CHECK(got.tag(0, "number") == "7");
  CHECK(got.tag(0, "big") == "18446744073709551615");
  CHECK(got.tag(0, "yes") == "true");
  CHECK(got.tag(0, "negative") == "-3");
  CHECK(got.tag(0, "string") == "s");
  CHECK(got.tag(0, "none") == "");
  REQUIRE(span.logs()->size() == 2);
  const auto& error = *span.logs()->Get(1);
  CHECK(error.time_us() >= span.start_us());
  REQUIRE(error.data()->size() == 4);
  CHECK(text(error.data()->Get(0)->key()) == "event");
  CHECK(text(error.data()->Get(0)->value()) == "error");
  CHECK(text(error.data()->Get(1)->key()) == "error.kind");
  CHECK(text(error.data()->Get(1)->value()) == "Timeout");
  CHECK(text(error.data()->Get(2)->key()) == "message");
  CHECK(text(error.data()->Get(3)->key()) == "stack");
  const fbs::Id& id = *got.segment().segment_id();
  CHECK(id.p1() > 0);
  CHECK(id.p2() > 0);
  CHECK(id.p3() > 10'000'000'000'000'000);
  CHECK(got.segment().trace_id()->p1() == id.p1());
  CHECK_FALSE(got.segment().size_limited());
}

TEST_CASE("HELLO says who we are") {
  Fixture f([](TracerOptions& o) {
    o.layer = "MESH";
    o.instance = "me\x01";
    o.property("version", "1.4").property("", "ignored").property("zone", std::string(5000, 'z'));
  });
  f.connect();
  const fbs::Hello& hello = f.peer.hello(0);
  CHECK(text(hello.service()) == "svc");
  CHECK(text(hello.instance()) == "me?");
  CHECK(text(hello.layer()) == "MESH");
  CHECK(text(hello.language()) == "cpp");
  CHECK(hello.pid() == static_cast<std::uint32_t>(getpid()));
  CHECK(hello.start_time_us() > 0);
  CHECK(hello.uuid()->high() != 0);
  CHECK(hello.process_epoch() != 0);
  CHECK(hello.oldest_seq() == 1);
  CHECK(hello.next_seq() == 1);
  CHECK(hello.slot() == -1);
  CHECK((hello.capabilities() & ipc::kCapPage) != 0);
  CHECK((hello.capabilities() & ipc::kCapRehello) != 0);
  REQUIRE(hello.properties()->size() == 2);
  CHECK(text(hello.properties()->Get(0)->key()) == "version");
  CHECK(text(hello.properties()->Get(1)->value()).size() == ipc::kMaxPropertyValue);
  CHECK(text(hello.exe()).size() > 0);
}

TEST_CASE("HELLO fits its frame whatever the properties are") {
  Fixture f([](TracerOptions& o) {
    for (int i = 0; i < 200; ++i) o.property("key" + std::to_string(i), std::string(900, 'v'));
  });
  f.connect();
  CHECK(f.peer.hello(0).properties()->size() > 10);
  CHECK(f.peer.hello(0).properties()->size() <= ipc::kMaxProperties);
}

TEST_CASE("spans nest, and an end out of order harms nobody") {
  Fixture f;
  const Received got = f.one([](Tracer tracer) {
    Span entry = tracer.entry("entry");
    Span local = tracer.local("local");
    Span exit = tracer.exit("exit", "peer:1");
    local.end();
    local.end();
    Span below_exit = tracer.local("below exit");
    entry.end();
    exit.end();
    Span last = tracer.local("last");
    below_exit.end();
  });
  REQUIRE(got.segment().spans()->size() == 5);
  CHECK(got.span(1).parent_span_id() == 0);
  CHECK(got.span(2).parent_span_id() == 1);
  CHECK(got.span(2).type() == fbs::SpanType::Exit);
  CHECK(got.span(3).parent_span_id() == 2);
  CHECK(got.span(3).type() == fbs::SpanType::Local);
  CHECK(got.span(4).parent_span_id() == 3);
}

TEST_CASE("a moved span ends once") {
  Fixture f;
  const Received got = f.one([](Tracer tracer) {
    Span a = tracer.entry("a");
    Span b = std::move(a);
    a.tag("lost", "1");
    b.tag("kept", "1");
    Span c = tracer.local("c");
    c = std::move(b);  // ends "c"
    CHECK(bool(c));
  });
  CHECK(got.segment().spans()->size() == 2);
  CHECK(got.tag(0, "kept") == "1");
  CHECK(got.tag(0, "lost") == "");
}

TEST_CASE("the current span can be reached, and is not ended by that") {
  Fixture f;
  const Received got = f.one([](Tracer tracer) {
    CHECK_FALSE(bool(tracer.current()));
    Span entry = tracer.entry("entry");
    tracer.current().tag("a", "1");
    {
      Span inner = tracer.local("inner");
      Span view = tracer.current();
      view.tag("b", "2");
      view.end();
      view.tag("after", "3");
    }
    tracer.current().tag("c", "3");
  });
  CHECK(got.tag(0, "a") == "1");
  CHECK(got.tag(0, "c") == "3");
  CHECK(got.tag(1, "b") == "2");
  CHECK(got.tag(1, "after") == "");
}

TEST_CASE("limits cut, and what they cut is counted") {
  Fixture f([](TracerOptions& o) {
    o.span_limit = 3;
    o.tag_limit = 2;
    o.log_limit = 1;
    o.value_limit = 8;
  });
  const Received got = f.one([](Tracer tracer) {
    Span entry = tracer.entry(std::string(5000, 'o'));
    entry.tag("long", "1234567\xc3\xa9").tag("b", "2").tag("c", "3").tag("", "no key");
    entry.log({{"x", "y"}}).log({{"x", "y"}});
    Span two = tracer.local("two");
    Span three = tracer.local("three");
    Span four = tracer.exit("four", "there:1");
    CHECK_FALSE(bool(four));
    four.tag("a", "b");
    int headers = 0;
    four.inject([&headers](std::string_view, std::string_view value) { headers += value.empty() ? 0 : 1; });
    CHECK(headers == 1);  // the trace goes on even so
    Span five = tracer.local("five");
  });
  CHECK(got.segment().spans()->size() == 3);
  CHECK(got.segment().size_limited());
  CHECK(got.operation().size() == ipc::kMaxOperation);
  CHECK(got.tag(0, "long") == "1234567");  // not half a character
  CHECK(got.span(0).tags()->size() == 2);
  CHECK(got.span(0).logs()->size() == 1);
  const Stats::Cut cut = f.tracer.stats().cut;
  CHECK(cut.spans == 2);
  CHECK(cut.tags == 1);
  CHECK(cut.logs == 1);
  CHECK(cut.values == 2);
}

TEST_CASE("a segment larger than a frame keeps its first spans") {
  Fixture f([](TracerOptions& o) { o.value_limit = ipc::kMaxValue; });
  const std::string big(20'000, 'b');
  const Received got = f.one([&](Tracer tracer) {
    Span entry = tracer.entry("entry");
    for (int i = 0; i < 20; ++i) tracer.local("step").tag("big", big);
  });
  CHECK(got.segment().spans()->size() == 10);  // 9 x 20,000 bytes fit
  CHECK(got.segment().size_limited());
  CHECK(f.tracer.stats().cut.segments == 1);
}

TEST_CASE("a root larger than a frame goes without its tags") {
  Fixture f([](TracerOptions& o) { o.value_limit = ipc::kMaxValue; });
  const std::string big(30'000, 'b');
  const Received got = f.one([&](Tracer tracer) {
    Span entry = tracer.entry("entry");
    for (int i = 0; i < 20; ++i) entry.tag("big", big);
  });
  CHECK(got.operation() == "entry");
  CHECK(got.span(0).tags() == nullptr);
  CHECK(got.segment().size_limited());
}

TEST_CASE("handles without an end are harmless: null tracers, null spans") {
  Tracer tracer;
  CHECK_FALSE(tracer.enabled());
  Span span = tracer.entry("x");
  CHECK_FALSE(bool(span));
  span.tag("a", "b").log({{"a", "b"}}).error().layer(SpanLayer::mq).component(1).peer("p").operation("o").end();
  int headers = 0;
  span.inject([&](std::string_view, std::string_view) { ++headers; });
  CHECK(headers == 0);
  CHECK(span.trace_id().empty());
  CHECK_FALSE(bool(tracer.capture()));
  AsyncSpan async = tracer.start_entry("x");
  CHECK_FALSE(bool(async.child_local("y")));
  CHECK(tracer.flush(std::chrono::milliseconds(0)));
  CHECK(tracer.fd() == -1);
  tracer.on_idle();
  CHECK(tracer.stats().created == 0);
}

TEST_CASE("a tracer without a service name is disabled") { CHECK_FALSE(Tracer::open(TracerOptions()).enabled()); }

TEST_CASE("two tracers of one thread do not mix") {
  Fixture a;
  Fixture b;
  {
    Span outer = a.tracer.entry("a");
    Span other = b.tracer.entry("b");
    Span inner = a.tracer.local("inner a");
    other.end();
  }
  a.peer.serve();
  b.peer.serve();
  REQUIRE(a.peer.segments.size() == 1);
  CHECK(a.peer.segments[0].segment().spans()->size() == 2);
  REQUIRE(b.peer.segments.size() == 1);
  CHECK(b.peer.segments[0].segment().spans()->size() == 1);
}

// --- Asynchronous -------------------------------------------------------------------

TEST_CASE("an asynchronous segment ends with the last of its spans") {
  Fixture f;
  AsyncSpan entry = f.tracer.start_entry("entry");
  CHECK_FALSE(bool(f.tracer.current()));
  AsyncSpan local = entry.child_local("local");
  AsyncSpan exit = local.child_exit("exit", "there:1");
  exit.tag("a", "b").layer(SpanLayer::cache);
  local.end();
  entry.end();
  f.peer.serve();
  CHECK(f.peer.segments.empty());
  exit.end();
  exit.end();
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 1);
  const Received& got = f.peer.segments[0];
  REQUIRE(got.segment().spans()->size() == 3);
  CHECK(got.span(1).parent_span_id() == 0);
  CHECK(got.span(2).parent_span_id() == 1);
  CHECK(text(got.span(2).peer()) == "there:1");
  CHECK(got.span(2).layer() == 5);
  CHECK_FALSE(bool(entry.child_local("too late")));
}

TEST_CASE("a snapshot continues in a new segment with a reference across threads") {
  Fixture f;
  Snapshot snapshot{};
  {
    Span entry = f.tracer.entry("GET:/a");
    entry.correlation("k", "v");
    Span local = f.tracer.local("hand over");
    snapshot = f.tracer.capture();
    CHECK(bool(snapshot));
    static_assert(std::is_trivially_copyable_v<Snapshot>);
    Span nested = f.tracer.local("at once", snapshot);  // its own segment even on this thread
    CHECK(nested.correlation("k") == "v");
  }
  { AsyncSpan later = f.tracer.start_local("later", snapshot); }
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 3);
  const Received& nested = f.peer.segments[0];
  const Received& parent = f.peer.segments[1];
  const Received& later = f.peer.segments[2];
  CHECK(parent.segment().spans()->size() == 2);
  for (const Received* child : {&nested, &later}) {
    const auto& ref = *child->span(0).refs()->Get(0);
    CHECK(ref.type() == fbs::RefType::CrossThread);
    CHECK(text(*ref.trace_id()) == text(*parent.segment().trace_id()));
    CHECK(text(*ref.segment_id()) == text(*parent.segment().segment_id()));
    CHECK(text(*child->segment().trace_id()) == text(*parent.segment().trace_id()));
    CHECK(ref.span_id() == 1);
    CHECK(text(ref.parent_endpoint()) == "GET:/a");
    CHECK(text(ref.parent_service()) == "svc");
    CHECK(ref.address() == nullptr);
  }
  Snapshot stranger = snapshot;
  stranger.version = 77;
  CHECK_FALSE(bool(stranger));
  Snapshot broken = snapshot;
  broken.service = {65535, 65535};
  CHECK(bool(f.tracer.local("broken", broken)));
}

TEST_SUITE_END();
