#include "recording.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace sidecar {
namespace {

using nlohmann::json;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

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
    for (const json& hex : line.at("request")) call.messages.push_back(from_hex(hex));
    if (line.contains("metadata")) call.token = line["metadata"].value("authentication", std::string());
    call.status = line.at("status");
    call.details = line.at("details");
    if (line.at("response").is_string()) call.answer = from_hex(line["response"]);
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace sidecar
