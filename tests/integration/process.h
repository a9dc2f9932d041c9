#pragma once

// Process starts a real program for an integration test and ends it, whatever
// happens to the test. Waiting is always for an event, with a limit.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace sidecar::test {

inline constexpr std::chrono::seconds kLimit{60};

// Asks `condition` until it holds; false when `limit` has passed. Between two
// questions it yields the processor to those who are to make it true.
bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = kLimit);

// A directory of its own under the system's temporary one, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  // Writes `text` to a file of this name and returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// Descriptors that a program gets as its standard input, output and error; -1: inherited.
struct Streams {
  int in = -1;
  int out = -1;
  int err = -1;
};

class Process {
 public:
  // argv[0] is the program's path. stdout and stderr go to `output` (a file; empty: inherited).
  // `environment` is added to ours, "NAME=VALUE".
  Process(std::vector<std::string> argv, std::string output = {}, std::vector<std::string> environment = {});
  // The same with descriptors, which stay the caller's.
  Process(std::vector<std::string> argv, Streams streams, std::vector<std::string> environment = {});
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  // Waits for the end: exit status, or 128 + signal. Kills and returns -1 at the limit.
  int wait(std::chrono::milliseconds limit = kLimit);

 private:
  void start(std::vector<std::string>& argv, int in, int out, int error, std::vector<std::string>& environment);

  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

// Runs a program to its end and returns its exit status; what it printed goes to `output`.
int run(const std::vector<std::string>& argv, std::string* output = nullptr, std::vector<std::string> environment = {});

std::string read_file(const std::string& path);

}  // namespace sidecar::test
