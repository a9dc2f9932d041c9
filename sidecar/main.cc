// sw-sidecar: reads its command line and configuration, runs the daemon on one
// event loop until a signal, and says with its exit status how that ended.

#include <csignal>
#include <cstdio>

#include "base/version.h"
#include "config/config.h"
#include "ipc/descriptor_limit.h"
#include "lifecycle/command_line.h"
#include "lifecycle/daemon.h"
#include "log/log.h"
#include "loop/uv_loop.h"

namespace sidecar {
namespace {

Exit serve(const Config& config, const std::string& config_path) {
  UvLoop loop;
  Daemon daemon(config, config_path, loop);
  if (const auto started = daemon.start(); !started) {
    log_error("{}", started.error().message);
    return Exit::failed;
  }
  log_info("sw-sidecar {} serves at {}", kVersion, config.ipc.path);

  const auto stop = [&] {
    if (daemon.shutting_down()) return loop.stop();  // the second signal means now
    log_info("stopping: sending what is held");
    daemon.shut_down([&loop] { loop.stop(); });
  };
  const auto terminate = loop.watch_signal(SIGTERM, stop);
  const auto interrupt = loop.watch_signal(SIGINT, stop);
  const auto hang_up = loop.watch_signal(SIGHUP, stop);
  loop.run();

  const std::uint64_t left = daemon.report_left();
  log_info("stopped{}", left == 0 ? ", everything delivered" : fmt::format(", {} segments not delivered", left));
  return left == 0 ? Exit::ok : Exit::left;
}

Exit run(int argc, char** argv) {
  std::optional<Exit> exit;
  const CommandLine line = parse_command_line(argc, argv, exit);
  if (exit) return *exit;
  const LoadedConfig loaded = load_config(line.config, Environment::read());
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return Exit::usage;
  if (line.check_config) {
    std::printf("%s: the configuration is valid\n", line.config.c_str());
    return Exit::ok;
  }
  start_log(loaded.config.log);
  raise_descriptor_limit();  // a connection costs about three
  return serve(loaded.config, line.config);
}

}  // namespace
}  // namespace sidecar

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // libuv and gRPC write to sockets without MSG_NOSIGNAL
  return static_cast<int>(sidecar::run(argc, argv));
}
