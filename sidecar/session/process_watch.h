#pragma once

// ProcessWatch tells when a process has died, by its pidfd: never by its number,
// which may be another's by then.
//
// Owner: SessionManager, one per connected agent. Thread: loop. The callback may
// destroy the watch.

#include <functional>
#include <memory>

#include "base/scoped_fd.h"
#include "loop/event_loop.h"

namespace sidecar {

class ProcessWatch {
 public:
  // `process` may be empty (no pidfd to be had): then nothing is ever told.
  ProcessWatch(EventLoop& loop, ScopedFd process, std::function<void()> died) : process_(std::move(process)) {
    if (!process_) return;
    watch_ = loop.watch_fd(process_.get(), [this, died = std::move(died)](bool, bool) {
      watch_->stop();  // it stays readable
      died();
    });
    watch_->start(true, false);
  }

  bool armed() const { return watch_ != nullptr; }

 private:
  ScopedFd process_;
  std::unique_ptr<FdWatch> watch_;  // before process_ closes
};

}  // namespace sidecar
