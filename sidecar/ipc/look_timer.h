#pragma once

// LookTimer decides when to look at the clients' sockets. While traffic flows: at
// an interval, so that nobody waits on them and a send wakes no one. After a quiet
// second: not at all, until the loop sees the whole set become readable.
//
// Owner: Server. Thread: loop.

#include <functional>
#include <memory>

#include "loop/event_loop.h"

namespace sidecar {

class LookTimer {
 public:
  // Without traffic for this long, the loop waits instead of looking.
  static constexpr Duration kQuiet = std::chrono::seconds(1);

  // `set` becomes readable when any of the sockets does; borrowed. Begins quiet.
  LookTimer(EventLoop& loop, int set, Duration interval, std::function<void()> look)
      : loop_(loop),
        interval_(interval),
        timer_(loop.make_timer(look)),
        watch_(loop.watch_fd(set, [this, look](bool, bool) {
          note_traffic();
          look();
        })) {
    watch_->start(true, false);
  }

  // Something came: look at the interval from now on.
  void note_traffic() {
    last_traffic_ = loop_.now();
    if (timer_->armed()) return;
    watch_->stop();
    timer_->start_every(interval_);
  }

  // To be called after a look that left nothing unread.
  void note_empty() {
    if (!timer_->armed() || loop_.now() - last_traffic_ < kQuiet) return;
    timer_->stop();
    watch_->start(true, false);
  }

  bool quiet() const { return !timer_->armed(); }

 private:
  EventLoop& loop_;
  const Duration interval_;
  Tick last_traffic_{};
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace sidecar
