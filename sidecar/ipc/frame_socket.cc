#include "ipc/frame_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/fd_message.h"

namespace sidecar {
namespace {

// Takes what came along with a message: the sender, and descriptors, which are closed.
void take_control(msghdr& message, Received& received) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET) continue;
    if (at->cmsg_type == SCM_CREDENTIALS) {
      ucred who;
      std::memcpy(&who, CMSG_DATA(at), sizeof who);
      received.sender = who.pid;
    } else if (at->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
        const ScopedFd closing(fd);
        ++received.closed;
      }
    }
  }
}

}  // namespace

Received FrameSocket::receive(std::span<std::uint8_t> buffer) {
  // Room for the credentials and one descriptor: the kernel closes what does not fit and says so.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
  bool was_reset = false;
  for (;;) {
    iovec part = {buffer.data(), buffer.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {Received::Kind::none};
      // The peer closed without having read everything of ours, as short-lived programs do. The
      // kernel reports that once and first; what the peer had sent is still there.
      if (errno == ECONNRESET && !was_reset) {
        was_reset = true;
        continue;
      }
      return {Received::Kind::end};
    }
    Received received{Received::Kind::datagram};
    take_control(message, received);
    if (received.closed > 0 || (message.msg_flags & MSG_CTRUNC) != 0) {
      received.kind = Received::Kind::descriptors;
    } else if (size == 0) {
      // An empty datagram looks the same, and the protocol has none.
      received.kind = Received::Kind::end;
    } else if ((message.msg_flags & MSG_TRUNC) != 0) {
      received.kind = Received::Kind::oversize;
    }
    received.bytes = buffer.first(static_cast<std::size_t>(size));
    return received;
  }
}

bool FrameSocket::send(std::span<const std::uint8_t> frame, int with_fd) {
  iovec part = {const_cast<std::uint8_t*>(frame.data()), frame.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::optional<FdMessage> carried;
  if (with_fd >= 0) carried.emplace(message, with_fd);
  ssize_t sent = -1;
  do sent = sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && (errno == EINTR || errno == ECONNRESET));  // ECONNRESET is told once, then EPIPE
  return sent == static_cast<ssize_t>(frame.size());
}

void FrameSocket::take_no_more() { shutdown(fd_.get(), SHUT_RD); }

void FrameSocket::shut_down() {
  shutdown(fd_.get(), SHUT_RDWR);
  char byte = 0;
  for (unsigned i = 0; i < kMaxLeftOver; ++i) {
    // Without a buffer for control data the kernel closes any descriptors itself.
    const ssize_t size = recv(fd_.get(), &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC);
    if (size == 0 || (size < 0 && errno != EINTR && errno != ECONNRESET)) return;
  }
}

}  // namespace sidecar
