#pragma once

// What the three services of the shop have in common and is not about tracing:
// options, a server on the loopback interface, the end on SIGTERM. The one line that
// matters to tracing is on_idle() in serve().

#include <httplib.h>
#include <pthread.h>
#include <sidecar/shim.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace shop {

struct Options {
  int port = 0;  // 0: any
  std::string service;
  std::string upstream;  // HOST:PORT
  std::string database = ":memory:";
};

[[noreturn]] inline void usage(const char* program, std::string_view problem) {
  std::fprintf(stderr, "%s: %.*s\nusage: %s [--port N] [--service NAME] [--upstream HOST:PORT] [--database FILE]\n",
               program, static_cast<int>(problem.size()), problem.data(), program);
  std::exit(2);
}

inline int port_or_usage(const char* program, std::string_view text) {
  int port = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65535)
    usage(program, "no such port");
  return port;
}

inline Options parse_options(int argc, char** argv, std::string service) {
  Options options;
  options.service = std::move(service);
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) usage(argv[0], "an option without its value");
    const char* const value = argv[i + 1];
    if (name == "--port") {
      options.port = port_or_usage(argv[0], value);
    } else if (name == "--service") {
      options.service = value;
    } else if (name == "--upstream") {
      options.upstream = value;
    } else if (name == "--database") {
      options.database = value;
    } else {
      usage(argv[0], "no such option");
    }
  }
  return options;
}

// Blocks SIGTERM and SIGINT for this thread and those it will start; serve() waits for them.
inline sigset_t block_end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves is no reason to die
  return signals;
}

// Serves until one of `signals` comes. Returns the exit status of the program.
inline int serve(httplib::Server& server, const Options& options, sidecar::Tracer tracer, const sigset_t& signals) {
  const bool any = options.port == 0;
  const int port = any ? server.bind_to_any_port("127.0.0.1") : options.port;
  if (port <= 0 || (!any && !server.bind_to_port("127.0.0.1", port))) {
    std::fprintf(stderr, "%s: cannot listen on 127.0.0.1:%d\n", options.service.c_str(), options.port);
    return 1;
  }
  server.set_tcp_nodelay(true);
  std::thread listener([&server] { server.listen_after_bind(); });
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);

  // A loop that would be here anyway. on_idle() sends what a burst left behind and costs nothing else.
  const timespec period{0, 100'000'000};
  while (sigtimedwait(&signals, nullptr, &period) < 0) tracer.on_idle();

  server.stop();
  listener.join();
  return 0;
}

}  // namespace shop
