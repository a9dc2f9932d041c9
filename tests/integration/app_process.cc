#include "app_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

namespace sidecar::test {

int run_app(const Daemon& daemon, const std::string& service, unsigned long segments) {
  return run({program("app"), service, std::to_string(segments)}, nullptr, {"SW_SIDECAR_SOCKET=" + daemon.socket()});
}

IdleApp::IdleApp(const std::string& socket, const std::string& service, unsigned long segments) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  commands_.reset(fdopen(in[1], "w"));
  answers_.reset(fdopen(out[0], "r"));
  process_ =
      std::make_unique<Process>(std::vector<std::string>{program("app"), service, std::to_string(segments), "--idle"},
                                Streams{in[0], out[1]}, std::vector<std::string>{"SW_SIDECAR_SOCKET=" + socket});
  close(in[0]);
  close(out[1]);
  char line[256];
  if (std::fgets(line, sizeof line, answers_.get()) == nullptr)
    throw std::runtime_error("the application does not start");
}

std::string IdleApp::ask(const std::string& command) {
  begin(command);
  return answer();
}

void IdleApp::begin(const std::string& command) {
  std::fputs((command + "\n").c_str(), commands_.get());
  std::fflush(commands_.get());
}

std::string IdleApp::answer() {
  char line[512];
  if (std::fgets(line, sizeof line, answers_.get()) == nullptr) return {};
  std::string answer = line;
  answer.pop_back();  // the newline
  return answer;
}

void IdleApp::finish(unsigned long segments) { ask("more " + std::to_string(segments)); }

bool IdleApp::flush(unsigned milliseconds) { return ask("flush " + std::to_string(milliseconds)) == "flushed 1"; }

nlohmann::json IdleApp::stats() { return nlohmann::json::parse(ask("stats"), nullptr, /*allow_exceptions=*/false); }

int IdleApp::exit() {
  ask("exit");
  return process_->wait();
}

}  // namespace sidecar::test
