#pragma once

// Recordings as they lie in this folder (README.md): the gRPC calls of one real collector, in order.

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sidecar {

// A span as a collector's query shows it.
struct ShownSpan {
  std::string segment;
  int span = 0, parent = 0;
  std::string service, operation, type, layer, peer;
  bool error = false;
  std::vector<std::pair<std::string, int>> refs;  // segment, span

  // All of it in one line.
  std::string line() const;
};

struct RecordedCall {
  std::string scenario;  // "9a properties and keepAlive"
  int step = 0;
  std::string path;                   // "/skywalking.v3.ManagementService/keepAlive"
  std::vector<std::string> messages;  // what the client sent; none: a stream closed without
  std::string token;                  // sent as "authentication"; empty: none
  std::string status;                 // name of the gRPC status
  std::string details;                // grpc-message
  std::string answer;                 // meaningful if OK
  int repeat = 1;                     // so often in a row, each with the same answer
  bool fresh = false;                 // the first one after the server was started with an empty storage
  // What was stored of traces at the last look before the next call, by trace id.
  std::map<std::string, std::vector<ShownSpan>> traces;

  // "9a"
  std::string number() const { return scenario.substr(0, scenario.find(' ')); }
};

// The calls of `file` in this folder; its other lines but reads of traces are left out. None: there is no such file.
// What is no recording makes the parser throw, which fails the test.
std::vector<RecordedCall> read_recording(const std::string& file);

}  // namespace sidecar
