#include "systemd/notifier.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/fd_message.h"

namespace sidecar {

Notifier::Notifier(EventLoop& loop, const std::string& address)
    : loop_(loop), retry_(loop.make_timer([this] { send(); })) {
  if (address.empty()) return;
  if ((address[0] != '/' && address[0] != '@') || address.size() < 2 || address.size() >= sizeof address_.sun_path) {
    log_warning(
        "NOTIFY_SOCKET={} is not the address of a Unix-domain socket; the service manager hears nothing from us",
        printable(address));
    return;
  }
  address_.sun_family = AF_UNIX;
  address.copy(address_.sun_path, sizeof address_.sun_path - 1);
  if (address[0] == '@') address_.sun_path[0] = 0;
  // An abstract name ends with its length, a path with a zero byte that is not counted.
  address_size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) log_warning("the service manager hears nothing from us: socket: {}", std::strerror(errno));
}

void Notifier::ready() {
  ready_ = true;
  send();
}

void Notifier::reloading() {
  if (!enabled()) return;
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(loop_.now().time_since_epoch());
  send_now("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(time.count()) + "\n");
}

void Notifier::stopping() {
  stopping_ = true;
  send();
}

void Notifier::alive() {
  alive_ = true;
  send();
}

void Notifier::status(std::string_view text) {
  status_ = printable(text, kMaxStatus);
  send();
}

void Notifier::send() {
  if (!socket_) return;
  std::string message;
  if (ready_) message += "READY=1\n";
  if (stopping_) message += "STOPPING=1\n";
  if (alive_) message += "WATCHDOG=1\n";
  if (status_) message += "STATUS=" + *status_ + "\n";
  if (message.empty()) return;
  if (send_now(message) < 0) {
    const int error = errno;
    // A manager that is busy for a while is nothing to speak of.
    if (error != EAGAIN && error != EINTR && limit_.pass(loop_.now()))
      log_warning("the service manager cannot be told how we are: {}", std::strerror(error));
    if (!retry_->armed()) retry_->start(kRetry);
    return;
  }
  ready_ = stopping_ = alive_ = false;
  status_.reset();
  retry_->stop();
}

bool Notifier::store(const std::string& name, int fd) {
  return enabled() && send_now("FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0\n", fd) >= 0;
}

bool Notifier::remove(const std::string& name) {
  return enabled() && send_now("FDSTOREREMOVE=1\nFDNAME=" + name + "\n") >= 0;
}

ssize_t Notifier::send_now(const std::string& message, int with_fd) {
  iovec part = {const_cast<char*>(message.data()), message.size()};
  msghdr out{};
  out.msg_name = &address_;
  out.msg_namelen = address_size_;
  out.msg_iov = &part;
  out.msg_iovlen = 1;
  std::optional<FdMessage> carried;
  if (with_fd >= 0) carried.emplace(out, with_fd);
  return sendmsg(socket_.get(), &out, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace sidecar
