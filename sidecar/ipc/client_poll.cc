#include "ipc/client_poll.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sidecar {

Result<void> ClientPoll::open() {
  size_ = 0;
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail(Errc::unavailable, fmt::format("epoll_create1: {}", std::strerror(errno)));
  return {};
}

bool ClientPoll::add(int fd, std::uint64_t id) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
  ++size_;
  return true;
}

void ClientPoll::remove(int fd) {
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0) --size_;
}

const std::vector<std::uint64_t>& ClientPoll::ready() {
  ready_.clear();
  // Room for all, so that none can hide behind the others.
  events_.resize(std::max(events_.size(), size_));
  if (size_ == 0) return ready_;
  const int count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  for (int i = 0; i < count; ++i) ready_.push_back(events_[static_cast<std::size_t>(i)].data.u64);
  return ready_;
}

}  // namespace sidecar
