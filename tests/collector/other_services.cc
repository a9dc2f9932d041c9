#include "other_services.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "v3/common.pb.h"

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

// In the form of a UUID; each command has its own.
std::string serial_number() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[37];
  const std::uint64_t a = random(), b = random();
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xffff), static_cast<unsigned>(a & 0xfff),
                static_cast<unsigned>(b >> 48 & 0xfff), static_cast<unsigned long long>(b & 0xffffffffffff));
  return text;
}

wire::v3::Command& add_command(wire::v3::Commands& commands, const char* name) {
  wire::v3::Command& command = *commands.add_commands();
  command.set_command(name);
  auto& serial = *command.add_args();
  serial.set_key("SerialNumber");
  serial.set_value(serial_number());
  return command;
}

void add_argument(wire::v3::Command& command, const char* key, std::string value) {
  auto& argument = *command.add_args();
  argument.set_key(key);
  argument.set_value(std::move(value));
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
  if (method.path == kProfileTasks) return profile_tasks(last);
  return "";
}

void OtherServices::add(ProfileTask task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
}

std::string OtherServices::profile_tasks(const std::string& request) const {
  const std::string service = text_field(request, 1);
  const std::int64_t since = number_field(request, 3);
  wire::v3::Commands commands;
  const std::lock_guard lock(mutex_);
  for (const ProfileTask& task : tasks_) {
    if (task.service != service || task.create_ms <= since) continue;
    wire::v3::Command& command = add_command(commands, "ProfileTaskQuery");
    add_argument(command, "TaskId", task.id);
    add_argument(command, "EndpointName", task.endpoint);
    add_argument(command, "Duration", std::to_string(task.duration_minutes));
    add_argument(command, "MinDurationThreshold", std::to_string(task.min_duration_ms));
    add_argument(command, "DumpPeriod", std::to_string(task.dump_period_ms));
    add_argument(command, "MaxSamplingCount", std::to_string(task.max_samplings));
    add_argument(command, "StartTime", std::to_string(task.start_ms));
    add_argument(command, "CreateTime", std::to_string(task.create_ms));
  }
  return commands.SerializeAsString();
}

}  // namespace sidecar
