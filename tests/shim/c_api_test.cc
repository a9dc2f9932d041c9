// The C API, called as C calls it, against a peer that plays the sidecar.

#include <doctest/doctest.h>
#include <sidecar/shim_c.h>

#include <map>
#include <string>

#include "peer.h"

using namespace sidecar_test;

namespace {

struct CFixture {
  CFixture() {
    sw_options* const options = sw_options_new("svc");
    REQUIRE(sw_options_set(options, "socket", peer.path().c_str()) == 0);
    REQUIRE(sw_options_set(options, "exit_flush_ms", "0") == 0);
    sw_options_property(options, "version", "1.4");
    tracer = sw_open_with(options);
    REQUIRE(tracer != nullptr);
  }
  ~CFixture() { sw_close(tracer); }
  // The next segment that was not looked at yet.
  const fbs::Segment& next() {
    peer.serve();
    REQUIRE(peer.segments.size() > seen);
    return peer.segments[seen++].segment();
  }

  Peer peer;
  sw_tracer* tracer = nullptr;
  std::size_t seen = 0;
};

std::map<std::string, std::string> tags_of(const fbs::Span& span) {
  std::map<std::string, std::string> all;
  if (span.tags() != nullptr)
    for (const auto* tag : *span.tags()) all[tag->key()->str()] = tag->value() == nullptr ? "" : tag->value()->str();
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("shim/c_api");

TEST_CASE("everything that can be said about a span arrives") {
  CFixture f;
  sw_span* const entry = sw_entry(f.tracer, "GET:/a", nullptr);
  CHECK(sw_recorded(entry) == 1);
  sw_layer(entry, 3);
  sw_component(entry, 2);
  sw_tag(entry, "http.method", "GET");
  sw_tag_int(entry, "http.status_code", -7);
  const char* const keys[] = {"event", "n", nullptr};
  const char* const values[] = {"retry", "1", nullptr};
  sw_log(entry, keys, values, 3);
  sw_error(entry, "E", "no", nullptr);
  sw_span* const exit = sw_exit(f.tracer, "/b", "host:1");
  sw_peer(exit, "host:2");
  sw_operation(exit, "/c");
  sw_skip_analysis(exit);
  sw_span* const local = sw_local(f.tracer, "step");
  sw_end(local);
  sw_end(exit);
  sw_end(entry);
  const fbs::Segment& segment = f.next();
  REQUIRE(segment.spans()->size() == 3);
  const fbs::Span& first = *segment.spans()->Get(0);
  CHECK(first.operation()->str() == "GET:/a");
  CHECK(first.type() == fbs::SpanType::Entry);
  CHECK(first.layer() == 3);
  CHECK(first.component() == 2);
  CHECK(first.error());
  CHECK(tags_of(first) == std::map<std::string, std::string>{{"http.method", "GET"}, {"http.status_code", "-7"}});
  REQUIRE(first.logs()->size() == 2);
  CHECK(first.logs()->Get(0)->data()->size() == 2);  // what has no name is left out
  CHECK(first.logs()->Get(0)->data()->Get(0)->value()->str() == "retry");
  const fbs::Span& second = *segment.spans()->Get(1);
  CHECK(second.operation()->str() == "/c");
  CHECK(second.peer()->str() == "host:2");
  CHECK(second.skip_analysis());
  CHECK(segment.spans()->Get(2)->parent_span_id() == 1);
  CHECK(f.peer.hello(0).properties()->Get(0)->key()->str() == "version");
}

TEST_CASE("a trace goes on by headers, by callback and by buffer, and by snapshot") {
  CFixture f;
  sw_span* const exit = sw_exit(f.tracer, "/b", "host:1");
  sw_correlation(exit, "user", "7");
  std::map<std::string, std::string> headers;
  sw_inject(
      exit,
      [](void* data, const char* name, const char* value) {
        (*static_cast<std::map<std::string, std::string>*>(data))[name] = value;
      },
      &headers);
  char sw8[2048];
  CHECK(sw_header(exit, "sw8", sw8, sizeof sw8) == static_cast<int>(headers.at("sw8").size()));
  CHECK(headers.at("sw8") == sw8);
  char small[5];
  CHECK(sw_header(exit, "sw8", small, sizeof small) == static_cast<int>(headers.at("sw8").size()));
  CHECK(std::string(small) == headers.at("sw8").substr(0, 4));
  CHECK(sw_header(exit, "sw8-x", small, sizeof small) == -1);
  CHECK(std::string(small).empty());
  char id[128];
  REQUIRE(sw_trace_id(exit, id, sizeof id) > 0);
  sw_snapshot* const here = sw_capture(f.tracer);
  sw_snapshot* const same = sw_capture_span(exit);
  REQUIRE(here != nullptr);
  REQUIRE(same != nullptr);
  sw_end(exit);

  const sw_headers from = {headers.at("sw8").c_str(), headers.at("sw8-correlation").c_str(), nullptr};
  sw_span* const entry = sw_entry(f.tracer, "/b", &from);
  char continued[128];
  sw_trace_id(entry, continued, sizeof continued);
  CHECK(std::string(continued) == id);
  sw_end(entry);
  for (const sw_snapshot* from_here : {here, same}) {
    sw_span* const local = sw_local_from(f.tracer, "later", from_here);
    sw_trace_id(local, continued, sizeof continued);
    CHECK(std::string(continued) == id);
    sw_end(local);
  }
  sw_snapshot_free(here);
  sw_snapshot_free(same);
  f.next();
  CHECK(f.next().spans()->Get(0)->refs()->size() == 1);
  CHECK(f.next().spans()->Get(0)->refs()->Get(0)->type() == fbs::RefType::CrossThread);
}

TEST_CASE("spans that belong to no thread name their parents") {
  CFixture f;
  sw_span* const entry = sw_start_entry(f.tracer, "/in", nullptr);
  sw_span* const call = sw_child_exit(entry, "/out", "host:1");
  sw_span* const step = sw_child_local(call, "step");
  sw_end(entry);
  sw_end(step);
  sw_end(call);
  const fbs::Segment& segment = f.next();
  REQUIRE(segment.spans()->size() == 3);
  CHECK(segment.spans()->Get(2)->parent_span_id() == 1);
  sw_span* const stacked = sw_local(f.tracer, "x");
  CHECK(sw_child_local(stacked, "y") == nullptr);  // its children are found by the thread
  sw_end(stacked);
}

TEST_CASE("the account, the connection and the loop") {
  CFixture f;
  sw_end(sw_local(f.tracer, "a"));
  f.peer.serve();
  sw_on_idle(f.tracer);
  sw_stats stats;
  sw_get_stats(f.tracer, &stats, sizeof stats);
  CHECK(stats.created == 1);
  CHECK(stats.sent == 1);
  std::uint64_t created = 0;
  sw_get_stats(f.tracer, reinterpret_cast<sw_stats*>(&created), sizeof created);  // a caller that knows less
  CHECK(created == 1);
  CHECK(sw_fd(f.tracer) >= 0);
  CHECK(sw_enabled(f.tracer) == 1);
  f.peer.set_marks(1, 1);
  CHECK(sw_flush(f.tracer, 1000) == 1);
  CHECK(std::string(sw_version()).find('.') != std::string::npos);
}

TEST_CASE("NULL is harmless everywhere") {
  CHECK(sw_open_with(nullptr) == nullptr);
  CHECK(sw_open(nullptr) == nullptr);  // the tests' environment names no service
  sw_options* const options = sw_options_new(nullptr);
  CHECK(sw_options_set(options, nullptr, nullptr) == -1);
  CHECK(sw_options_set(options, "colour", "red") == -1);
  CHECK(sw_options_set(options, "span_limit", "many") == -1);
  CHECK(sw_options_set(options, "span_limit", "5x") == -1);
  CHECK(sw_options_set(options, "span_limit", "5") == 0);
  CHECK(sw_options_set(nullptr, "layer", "x") == -1);
  sw_options_property(options, nullptr, nullptr);
  sw_options_property(nullptr, "a", "b");
  CHECK(sw_open_with(options) == nullptr);

  CFixture f;
  for (sw_tracer* const tracer : {static_cast<sw_tracer*>(nullptr), f.tracer}) {
    sw_headers none = {nullptr, nullptr, nullptr};
    for (sw_span* const span :
         {sw_entry(tracer, nullptr, &none), sw_exit(tracer, nullptr, nullptr), sw_local(tracer, nullptr),
          sw_local_from(tracer, nullptr, nullptr), sw_start_entry(tracer, nullptr, nullptr),
          sw_start_local(tracer, nullptr, nullptr), static_cast<sw_span*>(nullptr)}) {
      CHECK((sw_recorded(span) == 1) == (span != nullptr));
      sw_tag(span, nullptr, nullptr);
      sw_tag_int(span, nullptr, 1);
      sw_log(span, nullptr, nullptr, 3);
      const char* const texts[] = {nullptr};
      sw_log(span, texts, texts, 1);
      sw_error(span, nullptr, nullptr, nullptr);
      sw_layer(span, 77);
      sw_layer(span, -1);
      sw_component(span, -5);
      sw_peer(span, nullptr);
      sw_operation(span, nullptr);
      sw_correlation(span, nullptr, nullptr);
      sw_ref(span, nullptr);
      sw_skip_analysis(span);
      sw_inject(span, nullptr, nullptr);
      CHECK(sw_header(span, nullptr, nullptr, 0) == -1);
      sw_header(span, "sw8", nullptr, 0);
      sw_trace_id(span, nullptr, 0);
      sw_snapshot_free(sw_capture_span(span));
      sw_end(sw_child_exit(span, nullptr, nullptr));
      sw_end(sw_child_local(span, nullptr));
      sw_end(span);
    }
    sw_snapshot_free(sw_capture(tracer));
    sw_flush(tracer, 0);
    sw_on_idle(tracer);
    sw_get_stats(tracer, nullptr, 0);
  }
  CHECK(sw_enabled(nullptr) == 0);
  CHECK(sw_fd(nullptr) == -1);
  sw_snapshot_free(nullptr);
  sw_close(nullptr);
  f.peer.serve();
}

TEST_SUITE_END();
