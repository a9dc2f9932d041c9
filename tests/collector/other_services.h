#pragma once

// What a collector of generation v3 serves besides segments and instances: JVM metrics, meters, logs, events,
// configuration, profile tasks, and gRPC's health. The daemon calls little of it; it is here so that the test collector
// answers every recorded call as the real ones did (tests/transcripts). Nothing that is sent to it is kept.
//
// Owner: the test collector. Any thread.

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "commands.h"

namespace sidecar {

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
  // Its place in the list of all, and back.
  static int number_of(const Method& method);
  static const Method& at(int number);

  // One message of a call: OK, or how the call ends.
  grpc::Status take(const Method& method, const std::string& message) const;
  // What a call is answered that ends well, after its last message; a stream may have had none.
  std::string answer(const Method& method, const std::string& last) const;

  ProfileTasks profile_tasks;
};

}  // namespace sidecar
