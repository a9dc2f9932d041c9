#pragma once

// ServiceReport is our side of Type=notify: ready once the loop turns and all is open, a line for
// `systemctl status` from time to time, a sign of life for the watchdog, and that we stop.
//
// The sign of life comes from a timer on the loop, so a loop that is blocked gives none and is killed.
//
// Owner: Daemon. Thread: loop.

#include <functional>
#include <memory>
#include <string>

#include "loop/event_loop.h"
#include "systemd/notifier.h"

namespace sidecar {

class ServiceReport {
 public:
  static constexpr Duration kStatusPeriod = std::chrono::seconds(10);

  // `notify_socket`, `watchdog`: as FromManager has them. `status` is asked for the line, on the loop, only if
  // there is somebody to read it.
  ServiceReport(EventLoop& loop, const std::string& notify_socket, Duration watchdog,
                std::function<std::string()> status);

  // Everything is open: says so in the next turn of the loop, which shows that it turns.
  void serving();
  // What the line says has changed; it is shown at once, if we are serving.
  void refresh();
  // A reload begins and ends, within one turn.
  void reloading();
  void reloaded();
  // We are about to stop. Signs of life go on: the watchdog is in force until we have ended.
  void stopping();

  // For what else the manager is told.
  Notifier& notifier() { return notifier_; }

 private:
  Notifier notifier_;
  const Duration watchdog_;
  const std::function<std::string()> status_;
  bool serving_ = false;
  std::unique_ptr<Timer> first_turn_;
  std::unique_ptr<Timer> status_timer_;
  std::unique_ptr<Timer> watchdog_timer_;
};

}  // namespace sidecar
