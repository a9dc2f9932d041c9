// What real collectors were sent is sent to the test collector, which must answer as
// they did: what other tests conclude from it then holds for real ones.

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "raw_client.h"
#include "test_collector.h"

using namespace sidecar;
using nlohmann::json;

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

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

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
      std::ifstream lines(std::string(TRANSCRIPTS "/") + recording.file);
      int compared = 0;
      for (std::string text; std::getline(lines, text);) {
        const json line = json::parse(text);
        if (!line.contains("method") || line["status"] == "UNAVAILABLE") continue;  // no server answered
        const std::string method = line["method"];
        if (line["status"] != "UNIMPLEMENTED" && is_other(method, met)) continue;
        const std::string scenario = line["scenario"];
        CAPTURE(scenario);
        CAPTURE(line["step"].get<int>());
        CAPTURE(method);
        std::vector<std::string> messages;
        for (const json& hex : line["request"]) messages.push_back(from_hex(hex));
        const bool wants_token = scenario.starts_with("9j") || scenario.starts_with("10t");
        RawClient& client = wants_token ? to_guarded : to_open;
        const std::string token =
            line.contains("metadata") ? line["metadata"].value("authentication", std::string()) : std::string();
        const grpc::Status status = client.call(method, messages, token);
        CHECK(code_name(status.error_code()) == line["status"].get<std::string>());
        if (status.error_code() != grpc::UNKNOWN || recording.names_errors)
          CHECK(status.error_message() == line["details"].get<std::string>());
        if (status.ok()) CHECK(client.text == from_hex(line["response"]));
        ++compared;
      }
      CHECK(compared > 10);
    }
    CHECK(met.size() == std::size(kOtherServices));  // none is listed in vain
  }
}
