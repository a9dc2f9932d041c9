// sw-sidecar: reads its command line and configuration, runs the daemon on one
// event loop until a signal, and says with its exit status how that ended.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/version.h"
#include "config/cautions.h"
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

// Whoever started us may have closed them: then what we open first would be written to as standard error.
void fill_standard_descriptors() {
  int fd = -1;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

volatile std::sig_atomic_t exit_status = 0;

// Taking everything down waits for gRPC to give its calls back, which a collector that floods
// the connection can delay without end. All is done by then: end with our status all the same.
void limit_exit(Exit exit) {
  constexpr unsigned kSeconds = 3;
  exit_status = static_cast<int>(exit);
  std::signal(SIGALRM, [](int) { _exit(exit_status); });
  alarm(kSeconds);
}

// SIGHUP means reload. Until somebody watches for it, it waits instead of ending us.
void hold_hang_up(bool hold) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

Exit serve(LoadedConfig loaded, ConfigSource source, FromManager manager) {
  UvLoop loop;
  Daemon daemon(std::move(loaded), std::move(source), loop, std::move(manager));
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
  const auto hang_up = loop.watch_signal(SIGHUP, [&] { daemon.request_reload(); });
  hold_hang_up(false);
  loop.run();

  const Left left = daemon.report_left();
  log_info("stopped{}", left.nothing() ? ", everything delivered"
                                       : fmt::format(", {} segments not delivered, {} sockets not read to their end",
                                                     left.segments, left.unread));
  const Exit exit = left.nothing() ? Exit::ok : Exit::left;
  limit_exit(exit);
  return exit;
}

// What may be wrong does not make the configuration invalid.
Exit check(const LoadedConfig& loaded, const std::string& config_path) {
  for (const auto& cautions : {without_effect(loaded), unreadable_files(loaded)})
    for (const std::string& line : cautions) std::fprintf(stderr, "%s\n", line.c_str());
  std::printf("%s: the configuration is valid\n", config_path.c_str());
  return Exit::ok;
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
  hold_hang_up(true);
  ConfigSource source{line.config, Environment::read()};
  LoadedConfig loaded = load_config(source);
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return Exit::usage;
  if (line.print_config) return print(print_config(loaded, line.config));
  if (line.check_config) return check(loaded, line.config);
  start_log(loaded.config.log);
  for (const std::string& caution : without_effect(loaded)) log_warning("{}", caution);
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
  return serve(std::move(loaded), std::move(source), std::move(*manager));
}

}  // namespace
}  // namespace sidecar

int main(int argc, char** argv) {
  sidecar::fill_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // libuv and gRPC write to sockets without MSG_NOSIGNAL
  return static_cast<int>(sidecar::run(argc, argv));
}
