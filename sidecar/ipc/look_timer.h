#pragma once

// LookTimer decides when to look at the clients' sockets. While traffic flows: at an
// interval, so that nobody waits on them and a send wakes no one. After a quiet
// second, and when the sockets fill faster than any interval: not at all, the loop
// sees the whole set become readable. How long the interval is: look_interval.h.
//
// Owner: Server. Thread: loop.

#include <functional>
#include <memory>
#include <utility>

#include "ipc/look_interval.h"
#include "loop/event_loop.h"

namespace sidecar {

class LookTimer {
 public:
  // Without traffic for this long, the loop waits instead of looking.
  static constexpr Duration kQuiet = std::chrono::seconds(1);
  // For so long at a time senders wake us, then an interval is tried again.
  static constexpr Duration kAtOncePeriod = std::chrono::milliseconds(100);

  // `set` becomes readable when any of the sockets does; borrowed. Begins quiet, and with the `longest` interval.
  LookTimer(EventLoop& loop, int set, Duration longest, std::function<void()> look)
      : loop_(loop),
        longest_(longest),
        interval_(longest),
        timer_(loop.make_timer(look)),
        watch_(loop.watch_fd(set, [this, look](bool, bool) {
          if (interval_ != kAtOnce) note_traffic();
          look();
        })) {
    watch_->start(true, false);
  }

  // Something came: look at the interval from now on.
  void note_traffic() {
    last_traffic_ = loop_.now();
    if (timer_->armed() || interval_ == kAtOnce) return;
    watch_->stop();
    timer_->start_every(interval_);
  }

  // The fullest socket that the last look found was so full, 0 to 1.
  void note_fill(double fill) {
    if (interval_ == kAtOnce && loop_.now() - at_once_since_ < kAtOncePeriod) return;
    const Duration before = std::exchange(interval_, next_interval(interval_, fill, longest_));
    if (interval_ == kAtOnce) {
      at_once_since_ = loop_.now();
      timer_->stop();
      watch_->start(true, false);
    } else if (interval_ != before && (before == kAtOnce || timer_->armed())) {
      watch_->stop();
      timer_->start_every(interval_);
    }
  }

  // To be called after a look that left nothing unread.
  void note_empty() {
    if (!timer_->armed() || loop_.now() - last_traffic_ < kQuiet) return;
    timer_->stop();
    watch_->start(true, false);
  }

  // Another bound of the interval; it goes up to a higher one as it finds little.
  void set_longest(Duration longest) {
    longest_ = longest;
    if (interval_ <= longest_) return;
    interval_ = longest_;
    if (timer_->armed()) timer_->start_every(interval_);
  }

  // Nothing came for a while, or ever.
  bool quiet() const { return interval_ == kAtOnce ? loop_.now() - last_traffic_ >= kQuiet : !timer_->armed(); }
  // Between two looks while traffic flows; kAtOnce: senders wake us.
  Duration interval() const { return interval_; }

 private:
  EventLoop& loop_;
  Duration longest_;
  Duration interval_;
  Tick last_traffic_{};
  Tick at_once_since_{};
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace sidecar
