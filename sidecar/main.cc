// sw-sidecar: reads its command line and configuration, runs the daemon on one
// event loop until a signal, and says with its exit status how that ended.

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/version.h"
#include "config/config.h"
#include "config/print.h"
#include "config/registry.h"
#include "ipc/descriptor_limit.h"
#include "lifecycle/command_line.h"
#include "lifecycle/daemon.h"
#include "log/log.h"
#include "loop/uv_loop.h"
#include "systemd/from_manager.h"

namespace sidecar {
namespace {

volatile std::sig_atomic_t exit_status = 0;

// Taking everything down waits for gRPC to give its calls back, which a collector that floods
// the connection can delay without end. All is done by then: end with our status all the same.
void limit_exit(Exit exit) {
  constexpr unsigned kSeconds = 3;
  exit_status = static_cast<int>(exit);
  std::signal(SIGALRM, [](int) { _exit(exit_status); });
  alarm(kSeconds);
}

Exit serve(const Config& config, const std::string& config_path, FromManager manager) {
  UvLoop loop;
  Daemon daemon(config, config_path, loop, std::move(manager));
  if (const auto started = daemon.start(); !started) {
    log_error("{}", started.error().message);
    return Exit::failed;
  }
  log_info("sw-sidecar {} serves at {}", kVersion, daemon.socket());

  const auto stop = [&] {
    if (daemon.shutting_down()) return loop.stop();  // the second signal means now
    log_info("stopping: sending what is held");
    daemon.shut_down([&loop] { loop.stop(); });
  };
  const auto terminate = loop.watch_signal(SIGTERM, stop);
  const auto interrupt = loop.watch_signal(SIGINT, stop);
  const auto hang_up = loop.watch_signal(SIGHUP, stop);
  loop.run();

  const Left left = daemon.report_left();
  log_info("stopped{}", left.nothing() ? ", everything delivered"
                                       : fmt::format(", {} segments not delivered, {} sockets not read to their end",
                                                     left.segments, left.unread));
  const Exit exit = left.nothing() ? Exit::ok : Exit::left;
  limit_exit(exit);
  return exit;
}

// Whoever redirects it into a file wants to know that the disk is full.
Exit print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return Exit::ok;
  std::perror("sw-sidecar: standard output");
  return Exit::failed;
}

Exit run(int argc, char** argv) {
  std::optional<Exit> exit;
  const CommandLine line = parse_command_line(argc, argv, exit);
  if (exit) return *exit;
  if (line.print_environment) return print(environment_document());
  const LoadedConfig loaded = load_config(line.config, Environment::read());
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return Exit::usage;
  if (line.print_config) return print(print_config(loaded, line.config));
  if (line.check_config) {
    std::printf("%s: the configuration is valid\n", line.config.c_str());
    return Exit::ok;
  }
  start_log(loaded.config.log);
  // gRPC ends the process when it gets no descriptor, so it must not come to that.
  constexpr unsigned long kLeastDescriptors = 64;
  if (const unsigned long limit = raise_descriptor_limit(); limit < kLeastDescriptors) {
    log_error("{} descriptors are too few; allow at least {}, better thousands (ulimit -n, LimitNOFILE)", limit,
              kLeastDescriptors);
    return Exit::failed;
  }
  auto manager = take_from_manager();
  if (!manager) {
    log_error("{}", manager.error().message);
    return Exit::usage;
  }
  return serve(loaded.config, line.config, std::move(*manager));
}

}  // namespace
}  // namespace sidecar

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // libuv and gRPC write to sockets without MSG_NOSIGNAL
  return static_cast<int>(sidecar::run(argc, argv));
}
