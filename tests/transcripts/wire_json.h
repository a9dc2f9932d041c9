#pragma once

// Messages of proto/v3 as JSON, for tests that compare them field by field.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sidecar {

// Reads texts as bytes: a recording holds one that is not UTF-8, which the generated code refuses. All fields
// are there, also those with their default; "unknown fields" counts those that proto/v3 does not have.
class WireJson {
 public:
  WireJson();
  // `type` without the package: "SegmentObject". Empty: `bytes` are none.
  std::optional<nlohmann::json> parse(const std::string& type, const std::string& bytes);

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
};

// A field whose value is not the same. Lists of different length differ in what only one has.
struct Difference {
  std::string field;  // "segments.spans.peer"
  std::string recorded, sent;
};
std::vector<Difference> differences(const nlohmann::json& recorded, const nlohmann::json& sent);

}  // namespace sidecar
