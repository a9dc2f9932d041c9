#pragma once

// What a collector of generation v3 serves besides segments and instances: JVM metrics, meters, logs, events,
// configuration, profile tasks, and gRPC's health. The daemon calls little of it; it is here so that the test collector
// answers every recorded call as the real ones did (tests/transcripts). Nothing that is sent to it is kept.
//
// Owner: the test collector. Any thread.

#include <grpcpp/support/status.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sidecar {

// As an operator creates it over GraphQL; numbers as a client is told them.
struct ProfileTask {
  std::string service, id, endpoint;
  std::int64_t duration_minutes = 5, min_duration_ms = 0, dump_period_ms = 10, max_samplings = 5;
  std::int64_t start_ms = 0, create_ms = 0;
};

class OtherServices {
 public:
  struct Method {
    std::string_view path;  // without package
    bool bare;              // also known without package; those that came after 8.3 are not
    bool stream;            // of the client
    bool guarded;           // wants the token, where there is one
  };

  // `path` without its package. Null: there is none of that name.
  static const Method* find(std::string_view path, bool packaged);

  // One message of a call: OK, or how the call ends.
  grpc::Status take(const Method& method, const std::string& message) const;
  // What a call is answered that ends well, after its last message; a stream may have had none.
  std::string answer(const Method& method, const std::string& last) const;

  void add(ProfileTask task);

 private:
  std::string profile_tasks(const std::string& request) const;

  mutable std::mutex mutex_;
  std::vector<ProfileTask> tasks_;
};

}  // namespace sidecar
