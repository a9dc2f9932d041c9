#include "recording.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "hex.h"

namespace sidecar {
namespace {

using nlohmann::json;

}  // namespace

std::vector<RecordedCall> read_recording(const std::string& file) {
  std::vector<RecordedCall> calls;
  std::ifstream lines(std::string(TRANSCRIPTS "/") + file);
  for (std::string text; std::getline(lines, text);) {
    const json line = json::parse(text);
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
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace sidecar
