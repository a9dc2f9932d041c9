#pragma once

// What `sw-sidecar` was asked to do on its command line.

#include <optional>
#include <string>

namespace sidecar {

// Exit codes of sw-sidecar, documented in its man page.
enum class Exit : int {
  ok = 0,
  failed = 1,  // could not start or go on: a socket in use, no descriptors, ...
  usage = 2,   // wrong options, or a configuration that was refused
  left = 3,    // stopped, but not everything held could be delivered in time
};

struct CommandLine {
  std::string config = "/etc/sw-sidecar/sidecar.yaml";
  bool check_config = false;
  bool print_config = false;
  bool print_environment = false;
};

// Parses argv. Where the answer is to print something and end (--help, --version,
// an error), it has been printed and `exit` is set.
CommandLine parse_command_line(int argc, char** argv, std::optional<Exit>& exit);

}  // namespace sidecar
