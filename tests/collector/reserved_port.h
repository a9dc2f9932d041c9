#pragma once

// A port of 127.0.0.1 that is held while a server on it comes and goes, and refuses connections meanwhile: bound with
// SO_REUSEPORT and never listening.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "base/check.h"
#include "base/scoped_fd.h"

namespace sidecar {

class ReservedPort {
 public:
  // `wanted` 0: any.
  explicit ReservedPort(int wanted) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    CHECK(setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(wanted));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = ntohs(address.sin_port);
  }
  int number() const { return number_; }

 private:
  ScopedFd socket_;
  int number_ = 0;
};

}  // namespace sidecar
