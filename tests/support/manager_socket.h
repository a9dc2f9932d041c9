#pragma once

// The service manager's end: a datagram socket that the test reads, or does not.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "base/scoped_fd.h"

namespace sidecar {

class ManagerSocket {
 public:
  // At `path`, or, if it begins with '@', at that abstract name.
  explicit ManagerSocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (path[0] == '@') address.sun_path[0] = 0;
    const auto size = static_cast<socklen_t>(sizeof address.sun_family + path.size());
    REQUIRE(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }

  // The next message; empty: none.
  std::string hear() {
    char buffer[4096];
    const ssize_t size = recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return size < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(size));
  }
  // All that have come, one after the other.
  std::string hear_all() {
    std::string all;
    for (std::string one = hear(); !one.empty(); one = hear()) all += one;
    return all;
  }

 private:
  ScopedFd fd_;
};

inline std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace sidecar
