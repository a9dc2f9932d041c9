#include "commands.h"

#include <cstdio>
#include <random>

namespace sidecar {
namespace {

std::string serial_number() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char text[37];
  const std::uint64_t a = random(), b = random();
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xffff), static_cast<unsigned>(a & 0xfff),
                static_cast<unsigned>(b >> 48 & 0xfff), static_cast<unsigned long long>(b & 0xffffffffffff));
  return text;
}

}  // namespace

wire::v3::Command& add_command(wire::v3::Commands& commands, const char* name) {
  wire::v3::Command& command = *commands.add_commands();
  command.set_command(name);
  add_argument(command, "SerialNumber", serial_number());
  return command;
}

void add_argument(wire::v3::Command& command, const char* key, std::string value) {
  auto& argument = *command.add_args();
  argument.set_key(key);
  argument.set_value(std::move(value));
}

void ProfileTasks::add(ProfileTask task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
}

std::string ProfileTasks::answer(const std::string& service, std::int64_t since_ms) const {
  wire::v3::Commands commands;
  const std::lock_guard lock(mutex_);
  for (const ProfileTask& task : tasks_) {
    if (task.service != service || task.create_ms <= since_ms) continue;
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
