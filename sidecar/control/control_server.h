#pragma once

// ControlServer is the operator's door: HTTP/1.1 with JSON on a Unix socket. libmicrohttpd parses and
// keeps the connections; it has no thread, but is driven by our loop through its epoll
// descriptor, so that an idle door costs nothing and handlers run on the loop.
//
// Only root and the daemon's own user are answered, whatever the socket's mode, except on
// routes that say otherwise. All is bounded: connections, headers, bodies, time without a word.
//
// Owner: Daemon. Thread: loop.

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/socket_file.h"
#include "control/options.h"
#include "control/route.h"
#include "loop/event_loop.h"

struct MHD_Daemon;

namespace sidecar {

class ControlServer {
 public:
  static constexpr unsigned kMaxConnections = 32;       // more wait in the backlog
  static constexpr unsigned kIdleSeconds = 10;          // then a connection is closed
  static constexpr std::size_t kMaxHeader = 16 * 1024;  // request line and headers

  // `loop` outlives the server.
  ControlServer(const ControlOptions& options, EventLoop& loop, std::vector<Route> routes);
  ~ControlServer();

  // Opens the socket, or takes over `handed_over`; errors as SocketFile's.
  Result<void> start(ScopedFd handed_over = {});

  // For libmicrohttpd's callbacks.
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct StopDaemon {
    void operator()(MHD_Daemon* daemon) const;
  };

  void run();
  unsigned connections() const;

  const ControlOptions options_;
  EventLoop& loop_;
  const std::vector<Route> routes_;
  std::optional<SocketFile> socket_;
  std::unique_ptr<MHD_Daemon, StopDaemon> daemon_;
  // Last: they end before what they drive.
  std::unique_ptr<FdWatch> watch_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sidecar
