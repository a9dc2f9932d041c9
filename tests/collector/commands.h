#pragma once

// Commands of a collector to its clients. The message is the same in v2 and v3. Pure but for serial numbers.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "v3/common.pb.h"

namespace sidecar {

// Adds one with a serial number of its own, in the form of a UUID.
wire::v3::Command& add_command(wire::v3::Commands& commands, const char* name);
void add_argument(wire::v3::Command& command, const char* key, std::string value);

// As an operator creates it over GraphQL; numbers as a client is told them.
struct ProfileTask {
  std::string service, id, endpoint;
  std::int64_t duration_minutes = 5, min_duration_ms = 0, dump_period_ms = 10, max_samplings = 5;
  std::int64_t start_ms = 0, create_ms = 0;
};

// The tasks that clients ask for. Any thread.
class ProfileTasks {
 public:
  void add(ProfileTask task);
  // Those of the service that are younger than `since`, as Commands.
  std::string answer(const std::string& service, std::int64_t since_ms) const;

 private:
  mutable std::mutex mutex_;
  std::vector<ProfileTask> tasks_;
};

}  // namespace sidecar
