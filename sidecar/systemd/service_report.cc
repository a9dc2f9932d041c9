#include "systemd/service_report.h"

#include <algorithm>

namespace sidecar {

ServiceReport::ServiceReport(EventLoop& loop, const std::string& notify_socket, Duration watchdog,
                             std::function<std::string()> status)
    : notifier_(loop, notify_socket), watchdog_(watchdog), status_(std::move(status)) {
  if (!notifier_.enabled()) return;
  first_turn_ = loop.make_timer([this] {
    notifier_.ready();
    serving_ = true;
    refresh();
  });
  status_timer_ = loop.make_timer([this] { refresh(); });
  if (watchdog_ > Duration::zero()) watchdog_timer_ = loop.make_timer([this] { notifier_.alive(); });
}

void ServiceReport::serving() {
  if (!notifier_.enabled()) return;
  first_turn_->start(Duration::zero());
  status_timer_->start_every(kStatusPeriod);
  // Three in the time in which one must arrive: a late turn costs nothing.
  if (watchdog_timer_) watchdog_timer_->start_every(std::max<Duration>(watchdog_ / 3, std::chrono::milliseconds(1)));
}

void ServiceReport::refresh() {
  if (serving_) notifier_.status(status_());
}

void ServiceReport::reloading() {
  if (serving_) notifier_.reloading();
}

void ServiceReport::reloaded() {
  if (!serving_) return;
  notifier_.ready();
  refresh();
}

void ServiceReport::stopping() {
  if (!notifier_.enabled()) return;
  notifier_.stopping();
  refresh();
}

}  // namespace sidecar
