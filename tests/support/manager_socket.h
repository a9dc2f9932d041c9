#pragma once

// The service manager's end: a datagram socket that the test reads, or does not, and the store of descriptors.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <map>
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
    iovec part = {buffer, sizeof buffer};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return {};
    const std::string text(buffer, static_cast<std::size_t>(size));
    ScopedFd came;
    if (const cmsghdr* const at = CMSG_FIRSTHDR(&message); at != nullptr && at->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(at), sizeof fd);
      came.reset(fd);
    }
    keep(text, std::move(came));
    return text;
  }
  // What it was asked to keep, by name.
  std::map<std::string, ScopedFd>& store() { return store_; }
  // All that have come, one after the other.
  std::string hear_all() {
    std::string all;
    for (std::string one = hear(); !one.empty(); one = hear()) all += one;
    return all;
  }

 private:
  void keep(const std::string& text, ScopedFd came) {
    const std::size_t at = text.find("FDNAME=");
    if (at == std::string::npos) return;
    const std::string name = text.substr(at + 7, text.find('\n', at) - at - 7);
    if (text.find("FDSTOREREMOVE=1") != std::string::npos) {
      store_.erase(name);
    } else {
      REQUIRE(came);
      REQUIRE(text.find("FDSTORE=1\n") == 0);
      REQUIRE(text.find("FDPOLL=0\n") != std::string::npos);
      REQUIRE(store_.emplace(name, std::move(came)).second);
    }
  }

  ScopedFd fd_;
  std::map<std::string, ScopedFd> store_;
};

inline std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace sidecar
