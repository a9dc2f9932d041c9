#include "ipc/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace sidecar {
namespace {

ScopedFd open_spare() { return ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Acceptor::Acceptor(EventLoop& loop, int listening, std::function<void(ScopedFd)> take,
                   std::function<void(ScopedFd)> turn_away)
    : listening_(listening), take_(std::move(take)), turn_away_(std::move(turn_away)), spare_(open_spare()) {
  resume_ = loop.make_timer([this] {
    if (!spare_) spare_ = open_spare();
    watch_->start(true, false);
  });
  watch_ = loop.watch_fd(listening, [this](bool, bool) { accept_some(); });
  watch_->start(true, false);
}

void Acceptor::accept_some() {
  for (unsigned i = 0; i < kPerTurn; ++i) {
    ScopedFd client = accept_one();
    if (client) {
      take_(std::move(client));
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EMFILE || errno == ENFILE) {
      turn_some_away();
      return pause();
    }
    if (errno == ENOBUFS || errno == ENOMEM) return pause();
    // The client has gone meanwhile, or a firewall of the kernel's refused it: the next one may be well.
  }
}

void Acceptor::turn_some_away() {
  for (unsigned i = 0; i < kPerTurn && spare_; ++i) {
    spare_.reset();
    ScopedFd client = accept_one();
    const bool any = static_cast<bool>(client);
    if (any) turn_away_(std::move(client));
    spare_ = open_spare();
    if (!any) return;
  }
}

void Acceptor::pause() {
  ++pauses_;
  watch_->stop();
  resume_->start(kPause);
}

ScopedFd Acceptor::accept_one() const {
  return ScopedFd(accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

}  // namespace sidecar
