// sidecarctl: looks at a running sw-sidecar over its control socket, and tells it what to do.

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/version.h"
#include "ctl/answer_text.h"
#include "ctl/client.h"
#include "ctl/status_text.h"

namespace sidecar {
namespace {

// Documented in the man page.
enum class Exit : int { ok = 0, refused = 1, usage = 2, unreachable = 3 };

Terminal terminal_of(std::FILE* file) {
  Terminal terminal;
  if (isatty(fileno(file)) == 0) return terminal;
  winsize size{};
  if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0) terminal.width = size.ws_col;
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  terminal.colour = (no_colour == nullptr || *no_colour == '\0') && kind != nullptr && std::string(kind) != "dumb";
  return terminal;
}

Exit complain(const Error& error) {
  std::fprintf(stderr, "sidecarctl: %s\n", error.message.c_str());
  return error.code == Errc::unavailable ? Exit::unreachable : Exit::refused;
}

Exit print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return Exit::ok;
  std::perror("sidecarctl: standard output");
  return Exit::refused;
}

Exit print_status(const std::string& socket, bool as_json) {
  const auto status = ask(socket, "/status");
  if (!status) return complain(status.error());
  return print(as_json ? status->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                       : status_text(*status, terminal_of(stdout)));
}

Exit reload(const std::string& socket) {
  const auto answer = tell(socket, "/reload", nlohmann::json::object());
  return answer ? print(reload_text(*answer)) : complain(answer.error());
}

Exit set_log_level(const std::string& socket, const std::string& level) {
  const auto answer = tell(socket, "/log-level", {{"level", level}});
  return answer ? print(log_level_text(*answer)) : complain(answer.error());
}

Exit run(int argc, char** argv) {
  std::string socket = "/run/sw-sidecar/control.sock";
  bool as_json = false;
  std::string level;
  CLI::App app("Looks at the sw-sidecar of this host, and changes its settings while it runs.", "sidecarctl");
  app.set_version_flag("--version", std::string("sidecarctl ") + kVersion);
  app.add_option("--socket", socket, "Control socket of the daemon")
      ->envname("SW_SIDECAR_CONTROL")
      ->capture_default_str()
      ->type_name("PATH");
  CLI::App* const status =
      app.add_subcommand("status", "The daemon, the collector, every instance with its account, and what is wrong");
  status->fallthrough();  // --socket may stand behind it too
  status->add_flag("--json", as_json, "The whole document, for programs");
  CLI::App* const reloading = app.add_subcommand(
      "reload", "Has the daemon read its configuration again: in force as a whole, or refused with every mistake");
  reloading->fallthrough();
  CLI::App* const log_level =
      app.add_subcommand("log-level", "Changes the level of the log until the next reload or restart");
  log_level->fallthrough();
  log_level->add_option("level", level, "error, warning, info or debug")->required()->type_name("LEVEL");
  app.require_subcommand(1);
  app.footer("Exit status: 0 answered, 1 the daemon refused, 2 usage, 3 no daemon reached. See man sidecarctl.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& outcome) {
    return app.exit(outcome) == 0 ? Exit::ok : Exit::usage;
  }
  if (reloading->parsed()) return reload(socket);
  if (log_level->parsed()) return set_log_level(socket, level);
  return print_status(socket, as_json);
}

}  // namespace
}  // namespace sidecar

int main(int argc, char** argv) { return static_cast<int>(sidecar::run(argc, argv)); }
