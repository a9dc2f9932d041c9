#include "recording.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "hex.h"

namespace sidecar {
namespace {

using nlohmann::json;

std::vector<ShownSpan> spans_of(const json& answer) {
  std::vector<ShownSpan> spans;
  for (const json& span : answer.at("data").at("v").at("spans")) {
    ShownSpan& shown = spans.emplace_back();
    shown.segment = span.at("segmentId");
    shown.span = span.at("spanId");
    shown.parent = span.at("parentSpanId");
    shown.service = span.at("serviceCode");
    shown.operation = span.at("endpointName");
    shown.type = span.at("type");
    shown.layer = span.at("layer");
    shown.peer = span.at("peer");
    shown.error = span.at("isError");
    for (const json& ref : span.at("refs")) shown.refs.emplace_back(ref.at("parentSegmentId"), ref.at("parentSpanId"));
  }
  return spans;
}

}  // namespace

std::string ShownSpan::line() const {
  std::string text = segment + "/" + std::to_string(span) + " in " + std::to_string(parent) + ": " + service + " " +
                     type + " " + operation + " [" + layer + "] -> " + peer + (error ? " ERROR" : "");
  for (const auto& [of_segment, of_span] : refs) text += " from " + of_segment + "/" + std::to_string(of_span);
  return text + "\n";
}

std::vector<RecordedCall> read_recording(const std::string& file) {
  std::vector<RecordedCall> calls;
  bool fresh = false;
  std::ifstream lines(std::string(TRANSCRIPTS "/") + file);
  for (std::string text; std::getline(lines, text);) {
    const json line = json::parse(text);
    if (line.contains("note") && line["note"] == "server started (empty storage)") fresh = true;
    if (line.contains("query") && line["query"].get<std::string>().find("queryTrace(") != std::string::npos &&
        !calls.empty())
      calls.back().traces[line.at("variables").at("t")] = spans_of(line.at("answer"));
    if (!line.contains("method")) continue;
    RecordedCall call;
    call.scenario = line.at("scenario");
    call.step = line.at("step");
    call.path = line.at("method");
    for (const json& hex : line.at("request")) call.messages.push_back(from_hex(hex.get<std::string>()));
    if (line.contains("metadata")) call.token = line["metadata"].value("authentication", std::string());
    call.status = line.at("status");
    call.details = line.at("details");
    if (line.at("response").is_string()) call.answer = from_hex(line["response"].get<std::string>());
    call.repeat = line.value("repeat", 1);
    call.fresh = std::exchange(fresh, false);
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace sidecar
