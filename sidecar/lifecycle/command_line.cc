#include "lifecycle/command_line.h"

#include <CLI/CLI.hpp>

#include "base/version.h"

namespace sidecar {

CommandLine parse_command_line(int argc, char** argv, std::optional<Exit>& exit) {
  CommandLine line;
  CLI::App app(
      "One daemon per host that takes trace segments from its processes and sends them to a SkyWalking collector.",
      "sw-sidecar");
  app.set_version_flag("--version", std::string("sw-sidecar ") + kVersion);
  app.add_option("-c,--config", line.config, "Configuration file")->capture_default_str()->type_name("FILE");
  app.add_flag("--check-config", line.check_config, "Say everything that is wrong with the configuration, then end");
  app.add_flag("--print-config", line.print_config,
               "Print the configuration in effect, each value with where it comes from, then end");
  app.add_flag("--print-environment", line.print_environment, "Print all environment variables, then end");
  app.footer(
      "Stops at SIGTERM, SIGINT or SIGHUP after sending what is held; a second signal stops at once.\n"
      "Exit status: 0 stopped and all delivered, 1 failed, 2 usage or configuration refused, 3 stopped with segments "
      "left.\n"
      "`sidecarctl status` looks at a running one. Settings: man sw-sidecar.yaml");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& outcome) {
    exit = app.exit(outcome) == 0 ? Exit::ok : Exit::usage;
  }
  return line;
}

}  // namespace sidecar
