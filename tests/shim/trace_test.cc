// Propagation and sampling, seen from the API.

#include <map>

#include "fixture.h"

using namespace sidecar;
using namespace sidecar_test;

namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

Headers headers_of(Span& span) {
  Headers headers;
  span.inject([&headers](std::string_view name, std::string_view value) { headers.emplace(name, value); });
  return headers;
}

auto getter(const Headers& headers) {
  return [&headers](std::string_view name) {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  };
}

const char kForeign[] = "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=";

}  // namespace

TEST_SUITE_BEGIN("shim/trace");

TEST_CASE("a foreign trace is continued as it came") {
  Fixture f;
  const Headers headers = {{"sw8", kForeign}, {"sw8-correlation", "dGVzdDE=:dDE="}, {"sw8-x", "1-1602743904804"}};
  const Received got = f.one([&](Tracer tracer) {
    Span entry = tracer.entry("entry", getter(headers));
    CHECK(entry.trace_id() == "3.4.5");
    CHECK(entry.correlation("test1") == "t1");
    Span exit = tracer.exit("exit", "there:80");
    const Headers out = headers_of(exit);
    CHECK(out.at("sw8").rfind("1-My40LjU=-", 0) == 0);
    CHECK(out.at("sw8-correlation") == "dGVzdDE=:dDE=");
    CHECK(out.at("sw8-x") == "1- ");
  });
  CHECK(got.segment().trace_id() == nullptr);
  CHECK(text(got.segment().trace_id_text()) == "3.4.5");
  CHECK(got.span(0).skip_analysis());
  CHECK(got.tag(0, "transmission.latency") != "");
  REQUIRE(got.span(0).refs()->size() == 1);
  const auto& ref = *got.span(0).refs()->Get(0);
  CHECK(ref.type() == fbs::RefType::CrossProcess);
  CHECK(text(ref.trace_id_text()) == "3.4.5");
  CHECK(text(ref.segment_id_text()) == "1.2.3");
  CHECK(ref.span_id() == 4);
  CHECK(text(ref.parent_service()) == "service");
  CHECK(text(ref.parent_instance()) == "instance");
  CHECK(text(ref.parent_endpoint()) == "/app");
  CHECK(text(ref.address()) == "127.0.0.1:8080");
}

TEST_CASE("what one service injects the next one continues") {
  Fixture f;
  f.connect();
  Headers headers;
  {
    Span local = f.tracer.local("prepare");
    Span entry = f.tracer.entry("GET:/first");
    entry.correlation("key", "value");
    Span exit = f.tracer.exit("call", "next:80");
    headers = headers_of(exit);
    CHECK(headers.count("sw8-x") == 0);
  }
  {
    Span entry = f.tracer.entry("second", Incoming::read(getter(headers)));
    CHECK(entry.correlation("key") == "value");
  }
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 2);
  const auto& ref = *f.peer.segments[1].span(0).refs()->Get(0);
  CHECK(text(ref.segment_id_text()) == text(*f.peer.segments[0].segment().segment_id()));
  CHECK(ref.span_id() == 2);
  CHECK(text(ref.parent_endpoint()) == "GET:/first");  // the first entry, though a local came before
  CHECK(text(ref.parent_instance()) == "told@host");
  CHECK(text(ref.address()) == "next:80");
}

TEST_CASE("until the sidecar tells a name, slot 0 is assumed") {
  Fixture f;
  Headers headers;
  {
    Span exit = f.tracer.exit("call", "next:80");
    headers = headers_of(exit);
  }
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  { Span entry = f.tracer.entry("second", getter(headers)); }
  f.peer.serve();
  CHECK(text(f.peer.segments[1].span(0).refs()->Get(0)->parent_instance()) == "svc@" + std::string(host));
}

TEST_CASE("empty headers are absent, broken ones are counted") {
  Fixture f;
  for (const char* header : {"", "1-a", "garbage", "2-MQ==-NQ==-3-bWVzaA==-aW5zdGFuY2U=-L2Fw-aGU="}) {
    const Headers headers = {{"sw8", header}};
    Span entry = f.tracer.entry("entry", getter(headers));
    CHECK(bool(entry));
  }
  f.peer.serve();
  for (const Received& got : f.peer.segments) CHECK(got.span(0).refs() == nullptr);
  CHECK(f.tracer.stats().bad_headers == 3);
}

TEST_CASE("a trace that is not sampled is not recorded, and says so to those it calls") {
  Fixture f;
  const Headers headers = {{"sw8", std::string("0") + (kForeign + 1)}};
  {
    Span entry = f.tracer.entry("entry", getter(headers));
    CHECK_FALSE(bool(entry));
    Span local = f.tracer.local("local");
    CHECK_FALSE(bool(local));
    Span exit = f.tracer.exit("exit", "there");
    const Headers out = headers_of(exit);
    CHECK(out.at("sw8") == "");
    const Snapshot snapshot = f.tracer.capture();
    CHECK(bool(snapshot));
    Span other = f.tracer.local("other", snapshot);
    CHECK_FALSE(bool(other));
    AsyncSpan async = f.tracer.start_local("async", snapshot);
    AsyncSpan child = async.child_exit("call", "x");
    CHECK_FALSE(bool(child));
    CHECK(child.trace_id().empty());
  }
  f.peer.serve();
  CHECK(f.peer.segments.empty());
  CHECK(f.tracer.stats().created == 0);
  f.finish();  // the thread is free again
  f.peer.serve();
  CHECK(f.peer.segments.size() == 1);
}

TEST_CASE("sampling counts traces, and a continued one always passes") {
  Fixture f;
  f.connect();
  f.peer.set_sampling(2);
  // More than a period's allowance, but two periods may be met.
  f.finish(10);
  f.peer.serve();
  const std::size_t passed = f.peer.segments.size();
  CHECK(passed >= 2);
  CHECK(passed <= 4);
  const Headers headers = {{"sw8", kForeign}};
  {
    Span entry = f.tracer.entry("continued", getter(headers));
    CHECK(bool(entry));
  }
  f.peer.serve();
  CHECK(f.peer.segments.size() == passed + 1);
  f.peer.set_sampling(0);
  f.finish(3);
  f.peer.set_sampling(-1);
  f.finish(3);
  f.peer.serve();
  CHECK(f.peer.segments.size() == passed + 4);
  CHECK(f.tracer.stats().unsampled == 10 - passed + 3);
}

TEST_CASE("the sampler gives each period its allowance") {
  detail::Sampler sampler;
  CHECK_FALSE(sampler.take(0, 0, false));
  CHECK(sampler.take(0, 0, true));
  CHECK(sampler.take(-1, 0, false));
  CHECK(sampler.take(2, 0, false));  // the continued one used one up
  CHECK_FALSE(sampler.take(2, 2999, false));
  CHECK(sampler.take(2, 3000, false));
  CHECK(sampler.take(2, 3000, false));
  CHECK_FALSE(sampler.take(2, 3001, false));
}

TEST_CASE("tracing that is off builds nothing and injects nothing") {
  Fixture f;
  f.connect();
  f.peer.set_flags(0);
  CHECK_FALSE(f.tracer.enabled());
  Span exit = f.tracer.exit("call", "next:80");
  CHECK_FALSE(bool(exit));
  CHECK(headers_of(exit).empty());
  f.peer.set_flags(ipc::kPageEnabled);
  CHECK(f.tracer.enabled());
}

TEST_CASE("a segment that was open when tracing went off is dropped and counted") {
  Fixture f;
  f.connect();
  {
    Span span = f.tracer.entry("x");
    f.peer.set_flags(0);
  }
  CHECK(f.tracer.stats().dropped.disabled == 1);
  f.peer.set_flags(ipc::kPageEnabled);
  f.finish();
  f.peer.serve();
  CHECK(f.peer.lost == 1);
}

TEST_CASE("a batch has several parents, each once, and the first decides the trace") {
  Fixture f;
  const Headers one = {{"sw8", kForeign}};
  const Headers two = {{"sw8", "1-MQ==-NQ==-3-bWVzaA==-aW5zdGFuY2U=-L2FwaS92MS9oZWFsdGg=-ZXhhbXBsZS5jb206ODA4MA=="}};
  const Received got = f.one([&](Tracer tracer) {
    Span span = tracer.entry("consume");
    span.ref(Incoming::read(getter(one))).ref(Incoming::read(getter(two))).ref(Incoming::read(getter(one)));
    span.ref(Incoming());
  });
  REQUIRE(got.span(0).refs()->size() == 2);
  CHECK(text(got.segment().trace_id_text()) == "3.4.5");
  CHECK(text(got.span(0).refs()->Get(1)->trace_id_text()) == "1");
}

TEST_CASE("an entry inside another belongs to its segment") {
  Fixture f;
  const Headers one = {{"sw8", kForeign}};
  const Received got = f.one([&](Tracer tracer) {
    Span outer = tracer.entry("outer");
    Span inner = tracer.entry("inner", getter(one));
  });
  CHECK(got.segment().spans()->size() == 2);
  CHECK(got.span(1).refs()->size() == 1);
  CHECK(text(got.segment().trace_id_text()) == "3.4.5");
}

TEST_CASE("text that is not UTF-8 does not break a header") {
  Fixture f;
  Headers headers;
  {
    Span entry = f.tracer.entry("bad \xff name");
    Span exit = f.tracer.exit("call", "");
    headers = headers_of(exit);
  }
  f.peer.serve();
  const Received got = f.one([&](Tracer tracer) { tracer.entry("second", getter(headers)); });
  CHECK(text(got.span(0).refs()->Get(0)->parent_endpoint()) == "bad ? name");
  CHECK(text(got.span(0).refs()->Get(0)->address()) == "unknown");
}

TEST_CASE("ids rise within a thread whatever the clock does") {
  detail::ThreadContext& context = detail::thread_context;
  const detail::ThreadContext before = context;
  Fixture f;
  auto* core = static_cast<detail::Core*>(nullptr);
  {
    Span span = f.tracer.entry("x");
    core = context.top->core;
  }
  std::int64_t a[3];
  std::int64_t b[3];
  std::int64_t c[3];
  detail::next_id(*core, 2'000'000'000'000'000, a);
  detail::next_id(*core, 2'000'000'000'000'000, b);
  detail::next_id(*core, 1'000'000'000'000'000, c);  // set back
  CHECK(a[2] == 20'000'000'000'000'000);
  CHECK(b[2] == a[2] + 1);
  CHECK(c[2] == b[2] + 1);
  CHECK(a[0] == c[0]);
  CHECK(a[1] == c[1]);
  context = before;
}

TEST_CASE("a foreign trace id of any length costs the segment nothing") {
  Fixture f;
  for (std::size_t size = 1; size <= ipc::kMaxForeignId; size += 11) {
    CAPTURE(size);
    detail::Sw8Text sw8;
    const std::string id(size, 't');
    REQUIRE(detail::format_sw8({true, 4, id, "1.2.3", "s", "i", "e", "a"}, sw8));
    const Received got = f.one([&](Tracer tracer) {
      tracer.entry("op", [&](std::string_view name) { return name == "sw8" ? sw8.view() : std::string_view(); });
    });
    REQUIRE(got.span(0).refs() != nullptr);
    CHECK(text(got.segment().trace_id_text()) == id);
    CHECK_FALSE(got.segment().size_limited());
  }
  CHECK(f.tracer.stats().cut.segments == 0);
}

TEST_CASE("a setter may use the span whose headers it is given, and end it") {
  Fixture f;
  {
    AsyncSpan async = f.tracer.start_exit("call", "there:80");
    async.correlation("k", "v");
    int headers = 0;
    async.inject([&](std::string_view name, std::string_view) {
      async.tag("header", name);
      if (++headers == 2) async.end();
    });
    CHECK(headers == 2);
    Span span = f.tracer.exit("call", "there:80");
    span.correlation("k", "v");
    headers = 0;
    span.inject([&](std::string_view, std::string_view) {
      span.end();
      ++headers;
    });
    CHECK(headers == 2);
  }
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 2);
  CHECK(f.peer.segments[0].tag(0, "header") == "sw8");
}

TEST_CASE("a setter that throws leaves an asynchronous span as it was") {
  Fixture f;
  AsyncSpan async = f.tracer.start_exit("call", "there:80");
  CHECK_THROWS(async.inject([](std::string_view, std::string_view) { throw 1; }));
  async.tag("a", "b");
  async.end();
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 1);
  CHECK(f.peer.segments[0].tag(0, "a") == "b");
}

TEST_CASE("a snapshot without a segment names no parent") {
  Fixture f;
  Snapshot snapshot = f.tracer.entry("op").capture();
  for (std::int64_t& part : snapshot.segment) part = 0;
  f.peer.serve();
  const Received got = f.one([&](Tracer tracer) { tracer.local("op", snapshot); });
  CHECK(got.span(0).refs() == nullptr);
  CHECK(f.tracer.stats().cut.refs == 1);
}

TEST_SUITE_END();
