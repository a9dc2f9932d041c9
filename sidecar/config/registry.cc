#include "config/registry.h"

#include <fmt/format.h>

#include "config/keys.h"

namespace sidecar {
namespace {

// As it may stand in a cell of a table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string code(const std::string& text) {
  if (text.empty()) return "";
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return "`" + out + "`";
}

std::string row(const std::string& name, const std::string& reader, const std::string& setting,
                const std::string& values, const std::string& fallback, const std::string& sentence) {
  return fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", name, reader, setting, cell(values), fallback,
                     cell(sentence));
}

}  // namespace

const std::vector<OtherVariable>& other_variables() {
  static const std::vector<OtherVariable> variables = {
      {"SW_SIDECAR_SERVICE", "applications", "TracerOptions::service", "",
       "The service's name, where the application gives none; without either nothing is traced. Ignored by programs "
       "with more rights than their user."},
      {"SW_SIDECAR_SOCKET", "applications", "TracerOptions::socket", "/run/sw-sidecar/ingest.v1.sock",
       "The sidecar's socket, where the application gives none. Ignored by programs with more rights than their user."},
      {"SW_SIDECAR_CONTROL", "sidecarctl", "--socket", "/run/sw-sidecar/control.sock",
       "The control socket, where the option is not given."},
      {"NO_COLOR", "sidecarctl", "", "", "If set and not empty, no colour on a terminal."},
      {"TERM", "sidecarctl", "", "", "If it is dumb or not set, no colour on a terminal."},
      {"STATE_DIRECTORY", "sw-sidecar", "", "", "Set by systemd: where the daemon keeps what outlives it."},
      {"SW_SIDECAR_BOOT_ID", "sw-sidecar", "", "",
       "Set by our unit (%b): the kernel's boot id, where /proc does not show it."},
      {"NOTIFY_SOCKET", "sw-sidecar", "", "",
       "Set by systemd for Type=notify: whom the daemon tells that it is ready, alive and stopping."},
      {"JOURNAL_STREAM", "sw-sidecar", "", "",
       "Set by systemd: the log goes to the journal, with its levels and with fields."},
  };
  return variables;
}

std::string environment_document() {
  std::string out =
      "# Environment variables\n\n"
      "Printed by `sw-sidecar --print-environment`, from the tables that the programs use themselves.\n\n"
      "A variable of `sw-sidecar` wins over the key in its configuration file and is checked as strictly; items of a\n"
      "list are separated by commas. Other variables that begin with `SW_SIDECAR_` are errors, but for those below "
      "and\n"
      "what Kubernetes sets for a Service named sw-sidecar (`SW_SIDECAR_PORT*`, `SW_SIDECAR_SERVICE_HOST`,\n"
      "`SW_SIDECAR_SERVICE_PORT*`). In a value of the file `${NAME}` and `${NAME:default}` stand for any variable.\n"
      "`sw-sidecar --print-config` shows which value counts and where it comes from.\n\n"
      "| variable | read by | sets | values | default | what for |\n"
      "|---|---|---|---|---|---|\n";
  for (const OtherVariable& other : other_variables())
    out += row(other.name, other.reader, code(other.setting), "", code(other.fallback), other.sentence);
  for (const Key& key : config_keys())
    out += row(key.variable(), "sw-sidecar", code(key.path), (key.list ? "a list of " : "") + key.expected,
               key.required ? "must be given" : code(key.default_value().empty() ? "\"\"" : key.default_value()),
               key.sentence);
  return out;
}

}  // namespace sidecar
