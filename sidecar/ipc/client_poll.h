#pragma once

// ClientPoll is the set of client sockets that may have something to read. Nobody
// waits on it while traffic flows: it is asked at an interval, so that an
// application's send wakes nobody and costs it a microsecond. Its own descriptor
// becomes readable when any of them does, for when all is quiet.
//
// Owner: Server. Thread: loop.

#include <sys/epoll.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace sidecar {

class ClientPoll {
 public:
  // Begins with an empty set. unavailable: no descriptor to be had.
  Result<void> open();

  // Readable when a socket of the set is.
  int fd() const { return epoll_.get(); }

  // `fd` is borrowed until remove(), which must come before it is closed. False: the kernel has no memory for it.
  bool add(int fd, std::uint64_t id);
  void remove(int fd);

  // The ids of all sockets that have something to read now; valid until the next call.
  const std::vector<std::uint64_t>& ready();

 private:
  ScopedFd epoll_;
  std::size_t size_ = 0;
  std::vector<epoll_event> events_;
  std::vector<std::uint64_t> ready_;
};

}  // namespace sidecar
