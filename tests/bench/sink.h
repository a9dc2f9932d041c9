#pragma once

// A gRPC server that reads all it gets and answers OK, in a process of its own, so that
// its CPU is not counted. A benchmark that uses it begins with
//   if (is_sink(argc, argv)) return run_sink();

#include <sys/types.h>

#include <string>

namespace sidecar::bench {

bool is_sink(int argc, char** argv);
// Serves until its standard input ends.
int run_sink();

class SinkProcess {
 public:
  // Starts this program again as a sink. Before there are threads here.
  SinkProcess();
  ~SinkProcess();
  SinkProcess(const SinkProcess&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  pid_t pid_;
  int stdin_;
  int port_ = 0;
};

}  // namespace sidecar::bench
