#pragma once

// Link is one connection to the sidecar, as far as the kernel sees it: connecting,
// checking who listens there, sending and receiving datagrams. It never blocks and
// never raises SIGPIPE. Owner: the holder of the core, alone.
//
// The descriptor may be closed under us and its number used for something of the
// application's: ours() compares device and inode with what was stored, and has to
// be asked before anything is sent, received or closed.

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "sidecar/detail/process.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Link {
 public:
  // Programs that close or reuse low numbers do not meet ours.
  static constexpr int kLowestFd = 512;
  static constexpr int kLowestFdOtherwise = 64;

  bool open() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  // Bytes that one datagram may have on this connection.
  std::size_t max_frame() const noexcept { return max_frame_; }

  // False: nobody is there, or the wrong one. `trusted_uid`: see TracerOptions.
  bool connect(const std::string& path, long trusted_uid) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != path.npos) {
      return false;  // never cut: it would be another path
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    fd = moved_up(fd);
    struct ::stat info;
    if (::fstat(fd, &info) != 0) {
      ::close(fd);
      return false;
    }
    device_ = info.st_dev;
    inode_ = info.st_ino;
    fd_ = fd;  // from here on a child that another thread forks meanwhile closes it
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        !trusted(fd, path, trusted_uid)) {
      close();
      return false;
    }
    find_max_frame();
    return true;
  }

  bool ours() const noexcept {
    struct ::stat info;
    return ::fstat(fd_, &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  }
  // Closes it if it is still ours; else it belongs to someone else by now.
  void close() noexcept {
    if (fd_ >= 0 && ours()) ::close(fd_);
    fd_ = -1;
  }
  void forget() noexcept { fd_ = -1; }

  // 0, or an errno value.
  int send(const void* frame, std::size_t size) noexcept {
    for (;;) {
      if (::send(fd_, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
      if (errno != EINTR) return errno;
    }
  }
  // The same in two parts.
  int send(const void* header, std::size_t header_size, const void* payload, std::size_t payload_size) noexcept {
    iovec parts[2];
    parts[0].iov_base = const_cast<void*>(header);
    parts[0].iov_len = header_size;
    parts[1].iov_base = const_cast<void*>(payload);
    parts[1].iov_len = payload_size;
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    for (;;) {
      if (::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
      if (errno != EINTR) return errno;
    }
  }

  // Size of the datagram, 0 at the end, -1 with errno set. *descriptor: one that came along, to be closed by the
  // caller, or -1; further ones are closed here.
  ssize_t receive(unsigned char* to, std::size_t size, int* descriptor) noexcept {
    alignas(cmsghdr) unsigned char control[CMSG_SPACE(4 * sizeof(int))];
    iovec part{to, size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    *descriptor = -1;
    ssize_t got = -1;
    do {
      got = ::recvmsg(fd_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return got;
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
      if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
        if (*descriptor < 0) {
          *descriptor = fd;
        } else {
          ::close(fd);
        }
      }
    }
    return got;
  }

 private:
  static int moved_up(int fd) noexcept {
    for (const int lowest : {kLowestFd, kLowestFdOtherwise}) {
      const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest);
      if (moved < 0) continue;
      ::close(fd);
      return moved;
    }
    return fd;
  }

  // SO_PEERCRED of a connecting socket names whoever called listen().
  static bool trusted(int fd, const std::string& path, long trusted_uid) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
    if (trusted_uid >= 0 && peer.uid == static_cast<uid_t>(trusted_uid)) return true;
    return peer.uid == overflow_uid() && in_user_namespace() && !can_write_directory(path);
  }
  static bool can_write_directory(const std::string& path) noexcept {
    char directory[sizeof(sockaddr_un::sun_path)] = {};
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return true;
    std::memcpy(directory, path.data(), slash == 0 ? 1 : slash);
    return ::access(directory, W_OK) == 0;
  }

  void find_max_frame() noexcept {
    constexpr int kOverhead = 32;  // that the kernel subtracts
    const auto buffer = [this]() {
      int size = 0;
      socklen_t length = sizeof size;
      ::getsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &size, &length);
      return size;
    };
    constexpr int kWanted = static_cast<int>(ipc_protocol::kMaxFrame) + kOverhead;
    if (buffer() < kWanted) {
      const int half = kWanted / 2 + 1;  // the kernel doubles it
      ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
    }
    const int size = buffer();
    max_frame_ = size >= kWanted     ? ipc_protocol::kMaxFrame
                 : size <= kOverhead ? 0
                                     : static_cast<std::size_t>(size - kOverhead);
  }

  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::size_t max_frame_ = ipc_protocol::kMaxFrame;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
