#include "wire_json.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/check.h"
#include "v3/common.pb.h"
#include "v3/management.pb.h"
#include "v3/tracing.pb.h"

namespace sidecar {
namespace {

namespace pb = google::protobuf;
using nlohmann::json;

// The same layout with `bytes` in place of `string`.
pb::FileDescriptorProto without_text(const pb::FileDescriptor* file) {
  pb::FileDescriptorProto copy;
  file->CopyTo(&copy);
  for (auto& message : *copy.mutable_message_type())
    for (auto& field : *message.mutable_field())
      if (field.type() == pb::FieldDescriptorProto::TYPE_STRING) field.set_type(pb::FieldDescriptorProto::TYPE_BYTES);
  return copy;
}

json to_json(const pb::Message& message);

// `index` is -1 for a field that is not repeated.
json value_of(const pb::Message& message, const pb::FieldDescriptor* field, int index) {
  const pb::Reflection& at = *message.GetReflection();
  const bool many = index >= 0;
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return many ? at.GetRepeatedInt32(message, field, index) : at.GetInt32(message, field);
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return many ? at.GetRepeatedInt64(message, field, index) : at.GetInt64(message, field);
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return many ? at.GetRepeatedBool(message, field, index) : at.GetBool(message, field);
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return many ? at.GetRepeatedEnumValue(message, field, index) : at.GetEnumValue(message, field);
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return many ? at.GetRepeatedString(message, field, index) : at.GetString(message, field);
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(many ? at.GetRepeatedMessage(message, field, index) : at.GetMessage(message, field));
    default:
      CHECK(false);  // proto/v3 has no other
      return {};
  }
}

json to_json(const pb::Message& message) {
  json object = json::object();
  const pb::Reflection& at = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const pb::FieldDescriptor* field = message.GetDescriptor()->field(i);
    json& value = object[field->name()];
    if (!field->is_repeated()) {
      value = value_of(message, field, -1);
      continue;
    }
    value = json::array();
    for (int k = 0; k < at.FieldSize(message, field); ++k) value.push_back(value_of(message, field, k));
  }
  object["unknown fields"] = at.GetUnknownFields(message).field_count();
  return object;
}

// "/segments/0/spans/1/peer" without its numbers.
std::string field_of(const std::string& pointer) {
  std::string field;
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t next = std::min(pointer.find('/', at + 1), pointer.size());
    const std::string part = pointer.substr(at + 1, next - at - 1);
    if (part.find_first_not_of("0123456789") != std::string::npos) field += (field.empty() ? "" : ".") + part;
    at = next;
  }
  return field;
}

std::string text_of(const json& flat, const std::string& pointer) {
  const auto found = flat.find(pointer);
  if (found == flat.end()) return "(absent)";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

WireJson::WireJson() {
  for (const pb::FileDescriptor* file :
       {wire::v3::Commands::descriptor()->file(), wire::v3::InstancePing::descriptor()->file(),
        wire::v3::SegmentObject::descriptor()->file()})
    CHECK(pool_.BuildFile(without_text(file)) != nullptr);
}

std::optional<json> WireJson::parse(const std::string& type, const std::string& bytes) {
  const pb::Descriptor* descriptor = pool_.FindMessageTypeByName("sidecar.wire.v3." + type);
  CHECK(descriptor != nullptr);
  const std::unique_ptr<pb::Message> message(factory_.GetPrototype(descriptor)->New());
  if (!message->ParseFromString(bytes)) return std::nullopt;
  return to_json(*message);
}

std::vector<Difference> differences(const json& recorded, const json& sent) {
  const json left = recorded.flatten(), right = sent.flatten();
  std::set<std::string> pointers;
  for (const json* side : {&left, &right})
    for (const auto& item : side->items()) pointers.insert(item.key());
  std::vector<Difference> found;
  for (const std::string& pointer : pointers) {
    Difference difference{field_of(pointer), text_of(left, pointer), text_of(right, pointer)};
    if (difference.recorded != difference.sent) found.push_back(std::move(difference));
  }
  return found;
}

}  // namespace sidecar
