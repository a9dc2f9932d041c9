#include "other_services.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>

namespace sidecar {
namespace {

using google::protobuf::UnknownFieldSet;

constexpr std::string_view kConfiguration = "ConfigurationDiscoveryService/fetchConfigurations";
constexpr std::string_view kEvents = "EventService/collect";
constexpr std::string_view kHealth = "grpc.health.v1.Health/Check";
constexpr std::string_view kProfileTasks = "ProfileTask/getProfileTaskCommands";

constexpr OtherServices::Method kMethods[] = {
    {"JVMMetricReportService/collect", true, false, true},
    {"MeterReportService/collect", true, true, true},
    {"MeterReportService/collectBatch", false, true, true},
    {"LogReportService/collect", false, true, true},
    {kEvents, false, true, true},
    {kConfiguration, false, false, true},
    {kProfileTasks, true, false, true},
    {kHealth, true, false, false},
};

// The UUID of a configuration without entries, as recorded.
constexpr const char* kNoConfiguration =
    "410bb567794fe14362a2fb5912af7331eba74877614b82f36f3861fe86201c61"
    "4f53423e896e5036509c0a815c7f444f20aefbc2bbe66545b382200299aced16";

// Fields of messages that no file of ours describes.
std::string text_field(const std::string& message, int number) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return "";
  for (int i = 0; i < fields.field_count(); ++i)
    if (fields.field(i).number() == number &&
        fields.field(i).type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      return fields.field(i).length_delimited();
  return "";
}

std::int64_t number_field(const std::string& message, int number) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return 0;
  for (int i = 0; i < fields.field_count(); ++i)
    if (fields.field(i).number() == number && fields.field(i).type() == google::protobuf::UnknownField::TYPE_VARINT)
      return static_cast<std::int64_t>(fields.field(i).varint());
  return 0;
}

std::string configuration(const std::string& request) {
  if (text_field(request, 2) == kNoConfiguration) return "";
  wire::v3::Commands commands;
  add_argument(add_command(commands, "ConfigurationDiscoveryCommand"), "UUID", kNoConfiguration);
  return commands.SerializeAsString();
}

}  // namespace

const OtherServices::Method* OtherServices::find(std::string_view path, bool packaged) {
  const auto* const found =
      std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& method) { return method.path == path; });
  if (found == std::end(kMethods) || (packaged && path == kHealth) || (!packaged && !found->bare)) return nullptr;
  return found;
}

int OtherServices::number_of(const Method& method) { return static_cast<int>(&method - kMethods); }
const OtherServices::Method& OtherServices::at(int number) { return kMethods[number]; }

grpc::Status OtherServices::take(const Method& method, const std::string& message) const {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return {grpc::StatusCode::UNKNOWN, "Application error processing RPC"};
  if (method.path == kEvents && text_field(message, 9).empty())
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "Layer field is required since v9.0.0, please upgrade your event report tools"};
  return grpc::Status::OK;
}

std::string OtherServices::answer(const Method& method, const std::string& last) const {
  if (method.path == kHealth) return {"\x08\x01", 2};  // status: SERVING
  if (method.path == kConfiguration) return configuration(last);
  if (method.path == kProfileTasks) return profile_tasks.answer(text_field(last, 1), number_field(last, 3));
  return "";
}

}  // namespace sidecar
