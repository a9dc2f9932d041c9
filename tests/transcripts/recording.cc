#include "recording.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "hex.h"

namespace sidecar {
namespace {

using nlohmann::json;

std::vector<std::string> lines_of(const json& spans) {
  std::vector<std::string> lines;
  for (const json& span : spans) {
    std::vector<std::pair<std::string, int>> refs;
    for (const json& ref : span.at("refs")) refs.emplace_back(ref.at("parentSegmentId"), ref.at("parentSpanId"));
    lines.push_back(span_line(span.at("segmentId"), span.at("spanId"), span.at("parentSpanId"), span.at("serviceCode"),
                              span.at("endpointName"), span.at("type"), span.at("layer"), span.at("peer"),
                              span.at("isError"), refs));
  }
  return lines;
}

}  // namespace

std::string span_line(const std::string& segment, int span, int parent, const std::string& service,
                      const std::string& operation, const std::string& type, const std::string& layer,
                      const std::string& peer, bool error, const std::vector<std::pair<std::string, int>>& refs) {
  std::string line = segment + "/" + std::to_string(span) + " in " + std::to_string(parent) + ": " + service + " " +
                     type + " " + operation + " [" + layer + "] -> " + peer + (error ? " ERROR" : "");
  for (const auto& [of_segment, of_span] : refs) line += " from " + of_segment + "/" + std::to_string(of_span);
  return line;
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
      calls.back().traces[line.at("variables").at("t")] = lines_of(line.at("answer").at("data").at("v").at("spans"));
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
