// What real collectors were sent is sent to the test collector, which must answer as
// they did: what other tests conclude from it then holds for real ones.

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "raw_client.h"
#include "recording.h"
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

// Services of a real collector that the test collector lacks, since the daemon does not call them.
constexpr const char* kOtherServices[] = {
    "JVMMetricReportService/",        "MeterReportService/",    "ProfileTask/", "LogReportService/", "EventService/",
    "ConfigurationDiscoveryService/", "grpc.health.v1.Health/",
};

// The service is one that the test collector lacks; notes that it occurred.
bool is_other(const std::string& method, std::set<std::string>& met) {
  for (const char* service : kOtherServices)
    if (method.find(service) != std::string::npos) {
      met.insert(service);
      return true;
    }
  return false;
}

}  // namespace

TEST_SUITE("transcripts/recorded_answers") {
  TEST_CASE("the test collector answers every recorded call of its services as the real one did") {
    std::set<std::string> met;
    for (const Recording& recording : kRecordings) {
      CAPTURE(recording.file);
      TestCollector open({.packaged = recording.packaged});
      TestCollector guarded({.packaged = recording.packaged, .token = "s3cret"});
      RawClient to_open(open.address());
      RawClient to_guarded(guarded.address());
      int compared = 0;
      for (const RecordedCall& call : read_recording(recording.file)) {
        if (call.status == "UNAVAILABLE") continue;  // no server answered
        if (call.status != "UNIMPLEMENTED" && is_other(call.path, met)) continue;
        CAPTURE(call.scenario);
        CAPTURE(call.step);
        CAPTURE(call.path);
        const bool wants_token = call.number() == "9j" || call.number() == "10t";
        RawClient& client = wants_token ? to_guarded : to_open;
        const grpc::Status status = client.call(call.path, call.messages, call.token);
        CHECK(code_name(status.error_code()) == call.status);
        if (status.error_code() != grpc::UNKNOWN || recording.names_errors)
          CHECK(status.error_message() == call.details);
        if (status.ok()) CHECK(client.text == call.answer);
        ++compared;
      }
      CHECK(compared > 10);
    }
    CHECK(met.size() == std::size(kOtherServices));  // none is listed in vain
  }
}
