#pragma once

// The real sw-sidecar, started for a benchmark and seen from outside: its CPU time, its memory, what it has delivered.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/check.h"
#include "process.h"

namespace sidecar::bench {

// utime + stime of /proc/PID/stat, in ns; the kernel counts it in ticks.
inline double cpu_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

inline long rss_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::strtol(line.c_str() + 6, nullptr, 10);
  return 0;
}

// Whether the daemon has delivered so many, asked over its own control socket.
inline std::uint64_t delivered(const std::string& control) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  control.copy(address.sun_path, sizeof address.sun_path - 1);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET /status HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n\r\n";
    CHECK(write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    char buffer[65536];
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  const std::size_t totals = answer.find("\"totals\"");
  const std::size_t at = totals == std::string::npos ? totals : answer.find("\"delivered\":", totals);
  return at == std::string::npos ? 0 : std::strtoull(answer.c_str() + at + 12, nullptr, 10);
}

class DaemonUnderTest {
 public:
  DaemonUnderTest(const std::string& program, const std::string& collector)
      : socket_(directory_.path() + "/ingest.v1.sock"),
        control_(directory_.path() + "/control.sock"),
        process_({program, "--config",
                  directory_.write("sidecar.yaml", "collector: {addresses: [\"" + collector + "\"]}\nsocket: {path: " +
                                                       socket_ + "}\ncontrol: {path: " + control_ + "}\n")},
                 directory_.path() + "/log") {
    CHECK(test::wait_until([&] { return access(control_.c_str(), F_OK) == 0; }));
  }

  const std::string& socket() const { return socket_; }
  double cpu() const { return cpu_of(process_.pid()); }
  long rss() const { return rss_kib(process_.pid()); }
  // Waits until it has delivered so many; asking costs it too, so not often.
  void wait_for(std::uint64_t segments) const {
    CHECK(test::wait_until([&] { return poll(nullptr, 0, 50), delivered(control_) == segments; }));
  }
  int stop() {
    process_.signal(SIGTERM);
    return process_.wait();
  }

 private:
  const test::TemporaryDirectory directory_;
  const std::string socket_;
  const std::string control_;
  test::Process process_;
};

}  // namespace sidecar::bench
