#pragma once

// Recordings as they lie in this folder (README.md): the gRPC calls of one real collector, in order.

#include <string>
#include <vector>

namespace sidecar {

struct RecordedCall {
  std::string scenario;  // "9a properties and keepAlive"
  int step = 0;
  std::string path;                   // "/skywalking.v3.ManagementService/keepAlive"
  std::vector<std::string> messages;  // what the client sent; none: a stream closed without
  std::string token;                  // sent as "authentication"; empty: none
  std::string status;                 // name of the gRPC status
  std::string details;                // grpc-message
  std::string answer;                 // meaningful if OK

  // "9a"
  std::string number() const { return scenario.substr(0, scenario.find(' ')); }
};

// The calls of `file` in this folder; its other lines are left out. None: there is no such file. What is no recording
// makes the parser throw, which fails the test.
std::vector<RecordedCall> read_recording(const std::string& file);

}  // namespace sidecar
