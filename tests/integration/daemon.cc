#include "daemon.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace sidecar::test {

std::string program(const std::string& name) {
  std::string variable = "PROGRAM_" + name;
  for (char& c : variable) c = c == '-' ? '_' : c;
  const char* path = std::getenv(variable.c_str());
  if (path != nullptr) return path;
  std::fprintf(stderr, "%s is not set: run this by `meson test`\n", variable.c_str());
  std::abort();
}

Daemon::Daemon(const std::string& collector, const std::string& more, const std::string& more_of_collector) {
  configure(collector, more, more_of_collector);
}

void Daemon::configure(const std::string& collector, const std::string& more, const std::string& more_of_collector) {
  directory_.write("sidecar.yaml", "collector: {addresses: [\"" + collector + "\"]" + more_of_collector +
                                       "}\nsocket: {path: " + socket() + "}\ncontrol: {path: " + control() +
                                       "}\nstate: {directory: " + state() + "}\n" + more);
  std::filesystem::create_directory(state());
}

int Daemon::tell(std::vector<std::string> command, std::string* output) const {
  command.insert(command.begin(), {program("sidecarctl"), "--socket", control()});
  return run(command, output);
}

void Daemon::start(std::vector<std::string> launcher, std::vector<std::string> environment) {
  launcher.insert(launcher.end(), {program("sw-sidecar"), "--config", config()});
  process_.emplace(std::move(launcher), directory_.path() + "/log", std::move(environment));
  const bool up = wait_until([this] { return !process_->running() || !status().is_null(); });
  if (!up || !process_->running()) {
    std::fprintf(stderr, "the daemon does not come up:\n%s\n", log().c_str());
    std::abort();
  }
}

int Daemon::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void Daemon::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

nlohmann::json Daemon::status() const {
  std::string output;
  run({program("sidecarctl"), "--socket", control(), "status", "--json"}, &output);
  nlohmann::json answer = nlohmann::json::parse(output, nullptr, /*allow_exceptions=*/false);
  return answer.is_discarded() ? nlohmann::json() : answer;
}

std::vector<nlohmann::json> Daemon::instances(const std::string& service) const {
  std::vector<nlohmann::json> found;
  const nlohmann::json all = status();
  if (!all.is_object()) return found;
  for (const auto& instance : all.value("instances", nlohmann::json::array()))
    if (instance.value("service", "") == service) found.push_back(instance);
  return found;
}

nlohmann::json Daemon::totals() const {
  const nlohmann::json all = status();
  return all.is_object() ? all.value("totals", nlohmann::json()) : nlohmann::json();
}

}  // namespace sidecar::test
