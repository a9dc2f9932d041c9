#pragma once

// Host is a collector and the real daemon before it, for one test; the functions beside it
// run a program of this folder there and look at what became of its work.

#include <cstdio>
#include <string>
#include <vector>

#include "arrivals.h"
#include "daemon.h"

namespace sidecar::test {

struct Host {
  Host() : daemon(collector.address()) { daemon.start(); }
  std::string environment() const { return "SW_SIDECAR_SOCKET=" + daemon.socket(); }

  TestCollector collector;
  Daemon daemon;
};

// A program that runs until its standard input ends.
class Attended {
 public:
  Attended(std::vector<std::string> argv, std::vector<std::string> environment);
  Attended(const Attended&) = delete;
  // The next line that it prints, without the newline; empty at its end.
  std::string line();
  nlohmann::json account() { return nlohmann::json::parse(line(), nullptr, /*allow_exceptions=*/false); }
  void say(const std::string& text);
  // Ends its input and returns its exit status.
  int end();
  Process& process() { return *process_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> input_, output_;
  std::unique_ptr<Process> process_;
};

// Says on a line of its own, which tests/count.py counts, that the host did not allow a case.
void skipped(const std::string& reason);

// The last line of an output as JSON.
nlohmann::json last_account(const std::string& output);

// Waits until this many segments were received and none is held, and checks that all were delivered.
void check_all_delivered(const Daemon& daemon, unsigned long received);

}  // namespace sidecar::test
