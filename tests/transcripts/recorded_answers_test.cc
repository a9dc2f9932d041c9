// What real collectors were sent is sent to the test collector, which must answer as
// they did: what other tests conclude from it then holds for real ones.

#include <doctest/doctest.h>

#include <string>

#include "raw_client.h"
#include "recording.h"
#include "shape.h"
#include "test_collector.h"

using namespace sidecar;

namespace {

struct Recording {
  const char* file;
  bool packaged;
  bool names_errors;  // UNKNOWN comes with a text
};
constexpr Recording kRecordings[] = {
    {"8.3.0.jsonl", false, false},
    {"9.2.0-probe.jsonl", true, false},
    {"9.6.0.jsonl", true, false},
    {"10.1.0.jsonl", true, true},
};

// As the recording's client created it between two steps of scenario 7; its times are before every other of the
// recording.
const ProfileTask kTask = {.service = "front",
                           .id = "1795473200000_ZnJvbnQ=.1",
                           .endpoint = "/front",
                           .start_ms = 1795473200000,
                           .create_ms = 1795473200000};

}  // namespace

TEST_SUITE("transcripts/recorded_answers") {
  TEST_CASE("the test collector answers every recorded call as the real one did") {
    for (const Recording& recording : kRecordings) {
      CAPTURE(recording.file);
      TestCollector open({.packaged = recording.packaged});
      TestCollector guarded({.packaged = recording.packaged, .token = "s3cret"});
      RawClient to_open(open.address());
      RawClient to_guarded(guarded.address());
      int compared = 0;
      for (const RecordedCall& call : read_recording(recording.file)) {
        if (call.status == "UNAVAILABLE") continue;  // no server answered
        CAPTURE(call.scenario);
        CAPTURE(call.step);
        CAPTURE(call.path);
        const bool wants_token = call.number() == "9j" || call.number() == "10t";
        if (call.number() == "7" && call.step == 6) open.add(kTask);
        RawClient& client = wants_token ? to_guarded : to_open;
        const grpc::Status status = client.call(call.path, call.messages, call.token);
        CHECK(code_name(status.error_code()) == call.status);
        if (status.error_code() != grpc::UNKNOWN || recording.names_errors)
          CHECK(status.error_message() == call.details);
        if (status.ok()) CHECK(shape_of(client.text) == shape_of(call.answer));
        ++compared;
      }
      CHECK(compared > 10);
    }
  }
}
