#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sidecar::test {

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sw-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  // others may enter, as they may enter /run/sw-sidecar
  std::filesystem::permissions(pattern, std::filesystem::perms(0755));
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path) << text;
  return path;
}

Process::Process(std::vector<std::string> argv, std::string output, std::vector<std::string> environment) {
  int out = -1;
  if (!output.empty()) {
    out = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0) throw std::runtime_error("open " + output);
  }
  start(argv, -1, out, out, environment);
  if (out >= 0) close(out);
}

Process::Process(std::vector<std::string> argv, Streams streams, std::vector<std::string> environment) {
  start(argv, streams.in, streams.out, streams.err, environment);
}

void Process::start(std::vector<std::string>& argv, int in, int out, int error, std::vector<std::string>& environment) {
  // Everything that allocates comes before the fork: other threads may hold the allocator's lock.
  std::vector<char*> arguments;
  for (std::string& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  for (char** at = environ; *at != nullptr; ++at) variables.push_back(*at);
  variables.push_back(nullptr);

  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  if (in >= 0) dup2(in, 0);
  if (out >= 0) dup2(out, 1);
  if (error >= 0) dup2(error, 2);
  execve(arguments[0], arguments.data(), variables.data());
  _exit(127);
}

Process::~Process() {
  if (!running()) return;
  signal(SIGKILL);
  wait();
}

void Process::signal(int number) const {
  if (!ended_) kill(pid_, number);
}

bool Process::running() {
  if (!ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

int Process::wait(std::chrono::milliseconds limit) {
  if (!wait_until([this] { return !running(); }, limit)) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    ended_ = true;
    return -1;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

int run(const std::vector<std::string>& argv, std::string* output, std::vector<std::string> environment) {
  const TemporaryDirectory scratch;
  const std::string file = scratch.path() + "/output";
  Process process(argv, file, std::move(environment));
  const int status = process.wait();
  if (output != nullptr) *output = read_file(file);
  return status;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace sidecar::test
