#pragma once

// The real daemon in a directory of its own, with sidecarctl to look at it.
// Paths of the programs come from the environment, set by meson.

#include <nlohmann/json.hpp>
#include <optional>

#include "process.h"

namespace sidecar::test {

// Back-offs and waits scaled down; nothing else differs from the defaults. For `more` and `more_of_collector` of
// Daemon.
inline constexpr const char* kFastBatches = "batch: {age: 20ms, backoff: {first: 20ms, max: 100ms}}\n";
inline constexpr const char* kFastKeepAlive = "session: {keep_alive: 1s}\n";
inline constexpr const char* kFastConnecting = ", backoff: {first: 20ms, max: 100ms}";

// A program of the build, e.g. "sw-sidecar"; aborts the test when the environment does not name it.
std::string program(const std::string& name);

class Daemon {
 public:
  // `collector`: HOST:PORT. `more`: YAML added at top level; `more_of_collector`: to its
  // part of the configuration, beginning with ", ". Does not start it.
  explicit Daemon(const std::string& collector, const std::string& more = {},
                  const std::string& more_of_collector = {});

  // Writes another configuration, which the daemon may then be told to reload.
  void configure(const std::string& collector, const std::string& more = {}, const std::string& more_of_collector = {});
  // `sidecarctl COMMAND...`: its exit status; what it printed goes to `output`.
  int tell(std::vector<std::string> command, std::string* output = nullptr) const;

  // Starts it and waits until its control socket answers. `launcher`: a command that gets its command line and runs
  // it; `environment` is added to ours.
  void start(std::vector<std::string> launcher = {}, std::vector<std::string> environment = {});
  // SIGTERM, then waits; returns the exit status.
  int stop();
  void kill();

  // What `sidecarctl status --json` says; null while it cannot be reached.
  nlohmann::json status() const;
  // The instances of this service in status().
  std::vector<nlohmann::json> instances(const std::string& service) const;
  // Of all sessions together, once the account is settled: received, delivered, held, dropped.
  nlohmann::json totals() const;

  std::string socket() const { return directory_.path() + "/ingest.v1.sock"; }
  std::string control() const { return directory_.path() + "/control.sock"; }
  std::string config() const { return directory_.path() + "/sidecar.yaml"; }
  std::string state() const { return directory_.path() + "/state"; }
  std::string log() const { return read_file(directory_.path() + "/log"); }
  const TemporaryDirectory& directory() const { return directory_; }
  Process& process() { return *process_; }

 private:
  TemporaryDirectory directory_;
  std::optional<Process> process_;
};

}  // namespace sidecar::test
