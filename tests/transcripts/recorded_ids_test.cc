// Collectors of generation v2 give ids to names, some calls after they were first asked for, and say OK to every
// segment. What they were sent is sent to the test collector, call by call: it must give the same ids, and store the
// same traces.

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "raw_client.h"
#include "recording.h"
#include "shape.h"
#include "test_collector.h"
#include "traces.h"

using namespace sidecar;

namespace {

struct Recording {
  const char* file;
  Generation generation;
};
constexpr Recording kRecordings[] = {
    {"6.0.0-GA.jsonl", Generation::oap_6_0},
    {"6.6.0.jsonl", Generation::oap_6_6},
    {"7.0.0.jsonl", Generation::oap_7_0},
};

// As the recording's client created it between two steps of scenario 7, two polls before it was told.
const ProfileTask kTask = {.service = "front",
                           .id = "1795473200000_2",
                           .endpoint = "/front",
                           .start_ms = 1795473200000,
                           .create_ms = 1795473200000};

struct Outcome {
  std::string status, details, answer;
  bool operator==(const Outcome&) const = default;
};

std::string text_of(const Outcome& outcome) {
  std::string text = outcome.status + " " + outcome.details + " ";
  for (const char c : outcome.answer) text += c >= 0x20 && c < 0x7f ? std::string(1, c) : "<" + std::to_string(c) + ">";
  return text;
}

Outcome recorded(const RecordedCall& call) { return {call.status, call.details, shape_of(call.answer)}; }

Outcome sent(RawClient& client, const RecordedCall& call) {
  const grpc::Status status = client.call(call.path, call.messages, call.token);
  return {code_name(status.error_code()), status.error_message(), status.ok() ? shape_of(client.text) : ""};
}

bool asks_for_ids(const RecordedCall& call) {
  return call.path.find("egister") != std::string::npos || call.path.find("/discovery") != std::string::npos;
}

// The answers to one request that was sent again and again. How many of them are empty is a matter of time: ours go the
// same way, from the first to the last, in no more calls, and never back.
void compare_polls(RawClient& client, const std::vector<RecordedCall>& polls) {
  std::vector<Outcome> way;
  int sends = 0;
  for (const RecordedCall& call : polls) {
    if (way.empty() || way.back() != recorded(call)) way.push_back(recorded(call));
    sends += call.repeat;
  }
  std::size_t at = 0;
  for (int i = 0; i < sends; ++i) {
    const Outcome ours = sent(client, polls.front());
    while (i > 0 && at + 1 < way.size() && way[at] != ours) ++at;
    CHECK(text_of(ours) == text_of(way[at]));
  }
  CHECK(at + 1 == way.size());
}

std::string text_of(const std::vector<ShownSpan>& spans) {
  std::string text;
  for (const ShownSpan& span : spans) text += span.line();
  return text;
}

// As tests are shown it over HTTP.
std::vector<ShownSpan> stored(const Store& store, const std::string& trace_id) {
  std::vector<ShownSpan> spans;
  const nlohmann::json shown_traces = traces_to_json(store.segments());
  for (const auto& trace : shown_traces["traces"]) {
    if (trace["trace_id"] != trace_id) continue;
    for (const auto& segment : trace["segments"])
      for (const auto& span : segment["spans"]) {
        ShownSpan& shown = spans.emplace_back(ShownSpan{segment["segment_id"],
                                                        span["span_id"],
                                                        span["parent_span_id"],
                                                        segment["service"],
                                                        span["operation"],
                                                        span["type"],
                                                        span["layer"],
                                                        span["peer"],
                                                        span["error"],
                                                        {}});
        for (const auto& ref : span["refs"]) shown.refs.emplace_back(ref["segment_id"], ref["span_id"]);
      }
  }
  return spans;
}

}  // namespace

TEST_SUITE("transcripts/recorded_ids") {
  TEST_CASE("the test collector gives the ids and stores the traces that the real one did") {
    for (const Recording& recording : kRecordings) {
      CAPTURE(recording.file);
      TestCollector server({.generation = recording.generation});
      std::optional<RawClient> client(server.address());
      const std::vector<RecordedCall> calls = read_recording(recording.file);
      int compared = 0, traces = 0;
      for (auto call = calls.begin(); call != calls.end();) {
        CAPTURE(call->scenario);
        CAPTURE(call->step);
        CAPTURE(call->path);
        if (call->fresh) {
          client.reset();  // or a call may meet the connection that just breaks
          server.restart(true);
          client.emplace(server.address());
        }
        auto end = std::next(call);
        if (asks_for_ids(*call))
          end = std::find_if(end, calls.end(), [&](const RecordedCall& next) {
            return next.fresh || next.path != call->path || next.messages != call->messages;
          });
        if (call->number() == "7" && call->step == 5) server.add(kTask);
        if (call->status != "UNAVAILABLE") {  // no server answered
          compare_polls(*client, {call, end});
          compared += static_cast<int>(end - call);
        }
        for (const auto& [id, spans] : std::prev(end)->traces) {
          CAPTURE(id);
          CHECK(text_of(stored(server.store(), id)) == text_of(spans));
          ++traces;
        }
        call = end;
      }
      CHECK(compared > 100);
      CHECK(traces > 10);
    }
  }
}
