#pragma once

// Notifier tells the service manager how we are: datagrams of `NAME=value` lines (sd_notify(3)). libsystemd's own
// function waits when the manager does not read; here the loop must not, so what the manager's
// socket does not take is kept and sent later. That is bounded: of each kind only the newest counts.
//
// Owner: ServiceReport. Thread: loop.

#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <optional>
#include <string>

#include "base/scoped_fd.h"
#include "log/log.h"
#include "loop/event_loop.h"

namespace sidecar {

class Notifier {
 public:
  // When what was not taken is sent again.
  static constexpr Duration kRetry = std::chrono::milliseconds(100);
  static constexpr std::size_t kMaxStatus = 512;

  // `address`: NOTIFY_SOCKET's value, a path or "@" and an abstract name. Empty: nothing is ever sent. One that
  // cannot be an address is named in the log, and then it is the same.
  Notifier(EventLoop& loop, const std::string& address);

  // Whether anybody is told.
  bool enabled() const { return static_cast<bool>(socket_); }

  // READY=1: others that wait for us may start.
  void ready();
  // RELOADING=1; ready() ends it. Not kept for later, since a reload is over by then.
  void reloading();
  // STOPPING=1.
  void stopping();
  // WATCHDOG=1.
  void alive();
  // STATUS=, for people; made printable and cut to kMaxStatus bytes.
  void status(std::string_view text);

  // Has the manager keep `fd`, as `name` (no control characters, no ':'), for our successor: FDSTORE=1. It is not
  // watched there, so that what lies in it stays when the other end closes. False: not taken now; nothing is kept for
  // later.
  bool store(const std::string& name, int fd);
  // Forgets it. False: as above.
  bool remove(const std::string& name);

 private:
  void send();
  ssize_t send_now(const std::string& message, int with_fd = -1);

  EventLoop& loop_;
  ScopedFd socket_;
  sockaddr_un address_{};
  socklen_t address_size_ = 0;

  // Not taken yet.
  bool ready_ = false;
  bool stopping_ = false;
  bool alive_ = false;
  std::optional<std::string> status_;

  LogLimit limit_;
  std::unique_ptr<Timer> retry_;
};

}  // namespace sidecar
