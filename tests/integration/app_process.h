#pragma once

// One run of app.cc against a daemon: with --idle it takes commands, one a line,
// and answers each with a line.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "daemon.h"

namespace sidecar::test {

// Runs it to its end: finishes `segments` segments of `service` and exits. Returns its exit status.
int run_app(const Daemon& daemon, const std::string& service, unsigned long segments);

class IdleApp {
 public:
  // Started; has finished `segments` segments.
  IdleApp(const std::string& socket, const std::string& service, unsigned long segments);
  IdleApp(const IdleApp&) = delete;

  // Sends a command and returns the answer's line; empty when the program has ended.
  std::string ask(const std::string& command);
  // The two halves of ask(): what it is told to do takes its time.
  void begin(const std::string& command);
  std::string answer();
  // `more N`: finishes N more segments.
  void finish(unsigned long segments);
  // `flush MS`: whether the sidecar has accepted everything.
  bool flush(unsigned milliseconds);
  nlohmann::json stats();
  // `exit`, and its exit status.
  int exit();

  Process& process() { return *process_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> commands_, answers_;
  std::unique_ptr<Process> process_;
};

}  // namespace sidecar::test
