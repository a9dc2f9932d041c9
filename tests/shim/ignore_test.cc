// What the sidecar tells a shim besides marks: which operations are not traced, and the names in force.

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <thread>

#include "fixture.h"

using namespace sidecar_test;
using sidecar::detail::IgnoreRules;
using sidecar::detail::matches_pattern;

namespace {

using Texts = std::vector<std::string_view>;

std::map<std::string, std::string> injected(sidecar::Span& span) {
  std::map<std::string, std::string> headers;
  span.inject([&](std::string_view name, std::string_view value) { headers[std::string(name)] = std::string(value); });
  return headers;
}

// The fields of an sw8 header, those that are texts decoded.
std::vector<std::string> fields(const std::string& sw8) {
  std::vector<std::string> out;
  std::string_view rest = sw8;
  for (int i = 0; i < 8; ++i) {
    const std::string_view field = sidecar::detail::next_field(rest, '-');
    sidecar::detail::FixedText<1024> text;
    text.decode_base64(field, sidecar::detail::TooLong::refuse);
    out.emplace_back(text.view());
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("shim/ignore");

TEST_CASE("patterns: ? is one character but a slash, * any number of these, ** anything") {
  struct {
    const char* pattern;
    const char* text;
    bool matches;
  } const kTable[] = {
      {"/health", "/health", true},
      {"/health", "/health/", false},
      {"/health", "/healt", false},
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "abc", true},
      {"*", "a/c", false},
      {"**", "", true},
      {"**", "/a/b/c", true},
      {"/a/*", "/a/", true},
      {"/a/*", "/a/b", true},
      {"/a/*", "/a/b/c", false},
      {"/a/**", "/a/b/c", true},
      {"/a/**", "/a", false},
      {"/*/x", "/b/x", true},
      {"/*/x", "/b/c/x", false},
      {"/**/x", "/b/c/x", true},
      {"/**/x", "/b/c/y", false},
      {"/a?c", "/abc", true},
      {"/a?c", "/a/c", false},
      {"/a?c", "/ac", false},
      {"/a?c",
       "/a\xC3\xA4"
       "c",
       true},  // two bytes, one character
      {"/a??c",
       "/a\xC3\xA4\xE2\x82\xAC"
       "c",
       true},
      {"/a??c",
       "/a\xC3\xA4"
       "c",
       false},
      {"*.html", "index.html", true},
      {"GET:/a/*/b*", "GET:/a/1/bcd", true},
      {"***", "a/b", true},
      {"a*b*c", "aXbXbXc", true},
      {"a*b*c", "aXbXbX", false},
      {"?", "", false},
  };
  for (const auto& row : kTable) {
    CAPTURE(row.pattern);
    CAPTURE(row.text);
    CHECK(matches_pattern(row.pattern, row.text) == row.matches);
  }
  CHECK_FALSE(matches_pattern(std::string(ipc::kMaxIgnoreText + 1, 'a'), std::string(ipc::kMaxIgnoreText + 1, 'a')));
  CHECK(matches_pattern(std::string(ipc::kMaxIgnoreText, 'a'), std::string(ipc::kMaxIgnoreText, 'a')));
}

TEST_CASE("no pattern takes long, whatever it is held against") {
  // Backtracking would take more steps than there are atoms.
  std::string pattern;
  while (pattern.size() + 3 <= ipc::kMaxIgnoreText) pattern += "**a";
  CHECK_FALSE(matches_pattern(pattern, std::string(1024, 'a') + "b"));
  CHECK(matches_pattern(pattern, std::string(1024, 'a')));
}

TEST_CASE("suffixes are what stands from the last dot on, exactly") {
  IgnoreRules rules;
  CHECK_FALSE(rules.match("/a.jpg"));
  rules.replace(Texts{".jpg", ".tar.gz"}, Texts{"/health/**"});
  CHECK(rules.match("/a.jpg"));
  CHECK(rules.match("GET:/x/y.z.jpg"));
  CHECK_FALSE(rules.match("/a.jpeg"));
  CHECK_FALSE(rules.match("/a.JPG"));
  CHECK_FALSE(rules.match("/a.jpg/b"));
  CHECK_FALSE(rules.match("/ajpg"));
  CHECK_FALSE(rules.match("/a.tar.gz"));  // its last dot is another one, as for the Java agent
  CHECK_FALSE(rules.match(""));
  CHECK(rules.match("/health/live"));
  rules.replace(Texts{}, Texts{});
  CHECK_FALSE(rules.match("/a.jpg"));
}

TEST_CASE("a sidecar that changes its mind without end is not listened to, and too much of it is left out") {
  IgnoreRules rules;
  for (int i = 0; i < 1000; ++i) rules.replace(Texts{".a"}, Texts{});  // told again is nothing new
  const std::vector<std::string> names = {".b0", ".b1", ".b2", ".b3", ".b4", ".b5", ".b6", ".b7", ".b8", ".b9"};
  for (int round = 0; round < 10; ++round) {
    for (const std::string& name : names) rules.replace(Texts{name}, Texts{});
  }
  CHECK(rules.match("x.b4"));  // the sixteenth
  IgnoreRules large;
  const std::string long_text = "." + std::string(ipc::kMaxIgnoreText, 'x');
  Texts many(ipc::kMaxIgnoreRules + 10, ".z");
  many[3] = long_text;
  many[4] = "";
  many.back() = ".last";
  large.replace(many, many);
  CHECK(large.match("a.z"));
  CHECK_FALSE(large.match("a.last"));
  CHECK_FALSE(large.match(long_text));
}

TEST_CASE("a segment that begins with an ignored operation is as if it were not sampled, and counted") {
  Fixture f;
  f.connect();
  f.peer.send_config({".ico"}, {"/health/**"});
  f.tracer.on_idle();
  {
    sidecar::Span span = f.tracer.entry("/favicon.ico");
    CHECK_FALSE(span);
    sidecar::Span call = f.tracer.exit("/inner", "db:1");
    const auto headers = injected(call);
    REQUIRE(headers.count("sw8") == 1);
    CHECK(headers.at("sw8").empty());
  }
  f.finish(1, "/health/live");
  { sidecar::AsyncSpan span = f.tracer.start_entry("/health/ready"); }
  f.finish(1, "/work");
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 1);
  CHECK(f.tracer.stats().ignored == 3);
  CHECK(f.tracer.stats().unsampled == 0);
  // inside a segment that is traced the name does not matter
  const Received inner = f.one([](sidecar::Tracer tracer) {
    sidecar::Span span = tracer.entry("/work");
    sidecar::Span local = tracer.local("/favicon.ico");
  });
  CHECK(inner.segment().spans()->size() == 2);
  CHECK(f.tracer.stats().ignored == 3);
}

TEST_CASE("what another service has decided to trace is ignored all the same") {
  Fixture f;
  f.connect();
  f.peer.send_config({}, {"/health"});
  f.tracer.on_idle();
  const auto header = [](std::string_view name) {
    return name == "sw8"
               ? std::string("1-MQ==-NQ==-3-bWVzaA==-aW5zdGFuY2U=-L2FwaS92MS9oZWFsdGg=-ZXhhbXBsZS5jb206ODA4MA==")
               : std::string();
  };
  { sidecar::Span span = f.tracer.entry("/health", header); }
  f.peer.serve();
  CHECK(f.peer.segments.empty());
  CHECK(f.tracer.stats().ignored == 1);
}

TEST_CASE("headers carry the names in force, and the prefix before the address alone") {
  Fixture f;
  f.peer.service_name = "svc|ns|east";
  f.peer.peer_prefix = "east/";
  f.connect();
  {
    sidecar::Span entry = f.tracer.entry("/in");
    sidecar::Span span = f.tracer.exit("/out", "10.0.0.2:8080");
    const auto sw8 = fields(injected(span).at("sw8"));
    CHECK(sw8[4] == "svc|ns|east");
    CHECK(sw8[5] == "told@host");
    CHECK(sw8[7] == "east/10.0.0.2:8080");
    const sidecar::Snapshot snapshot = span.capture();
    sidecar::Span elsewhere = f.tracer.local("/elsewhere", snapshot);
  }
  f.peer.serve();
  // the peer of the span itself is the sidecar's to change
  bool seen = false;
  for (const Received& received : f.peer.segments) {
    const auto* span = received.segment().spans()->Get(0);
    if (span->refs() != nullptr) {
      CHECK(span->refs()->Get(0)->parent_service()->str() == "svc|ns|east");
      seen = true;
    }
    for (const auto* each : *received.segment().spans())
      if (each->peer() != nullptr) CHECK(each->peer()->str() == "10.0.0.2:8080");
  }
  CHECK(seen);
}

TEST_CASE("the first request's header carries them already, if the sidecar answers while it is handled") {
  Fixture f;
  f.peer.service_name = "svc|ns|";
  sidecar::Span entry = f.tracer.entry("/in");
  f.peer.serve();
  CHECK(f.peer.hellos.size() == 1);
  sidecar::Span span = f.tracer.exit("/out", "10.0.0.2:8080");
  // Asked at most once a millisecond.
  CHECK(f.peer.serve_until([&] { return fields(injected(span).at("sw8"))[4] == "svc|ns|"; }));
}

TEST_CASE("rules are exchanged while other threads ask") {
  IgnoreRules rules;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> matched{0};
  std::thread reader([&] {
    while (!stop) matched += rules.match("/a.x") ? 1 : 0;
  });
  for (int i = 0; i < 15; ++i) rules.replace(Texts{i % 2 == 0 ? ".x" : ".y"}, Texts{"/b/**"});
  while (matched == 0) std::this_thread::yield();
  stop = true;
  reader.join();
  CHECK(rules.match("/a.x"));
}

TEST_SUITE_END();
