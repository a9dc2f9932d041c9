#pragma once

// EventLoop is the one thread everything in the daemon runs on, and the only
// clock. now() and wall_now() stand still during a turn, so that two decisions of
// one turn cannot disagree about the time. UvLoop implements it for production,
// tests/support/fake_loop.h for tests; nothing else in the tree sees libuv.
//
// Rule: nothing that runs on the loop blocks. Handles (Timer, FdWatch,
// SignalWatch, Lookup) are RAII: after their destruction their callback never runs,
// and a callback may destroy its own handle. All handles must be destroyed
// before the loop. Every function belongs to the loop thread except post().

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sidecar {

class Timer {
 public:
  virtual ~Timer() = default;
  // Runs the callback once after `delay` (rounded up to milliseconds); replaces what was armed.
  virtual void start(Duration delay) = 0;
  // Runs the callback each `period`, first after one period. Allocates nothing while running.
  virtual void start_every(Duration period) = 0;
  virtual void stop() = 0;
  virtual bool armed() const = 0;
};

class FdWatch {
 public:
  virtual ~FdWatch() = default;
  // Level-triggered, until stop(). `readable` also reports hang-up and errors.
  virtual void start(bool readable, bool writable) = 0;
  virtual void stop() = 0;
};

// Delivered while the object lives.
class SignalWatch {
 public:
  virtual ~SignalWatch() = default;
};

// The question for a host's addresses. Not answered any more once destroyed.
class Lookup {
 public:
  virtual ~Lookup() = default;
  // The addresses in numbers ("10.0.0.7", "2001:db8::7", "fe80::1%eth0"), each once, in the resolver's
  // order, not empty; or why there are none, in the system's words.
  using Answer = Result<std::vector<std::string>>;
};

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  virtual Tick now() const = 0;
  virtual WallTime wall_now() const = 0;

  virtual std::unique_ptr<Timer> make_timer(std::function<void()> callback) = 0;
  // `fd` is borrowed and must outlive the watch.
  virtual std::unique_ptr<FdWatch> watch_fd(int fd, std::function<void(bool readable, bool writable)> callback) = 0;
  virtual std::unique_ptr<SignalWatch> watch_signal(int signal, std::function<void()> callback) = 0;

  // Asks the system's resolver (files, DNS: whatever the host is set up with) for IPv4 and IPv6 addresses.
  // Answered in a later turn; it may take as long as the resolver takes, so put a limit beside it.
  virtual std::unique_ptr<Lookup> look_up(const std::string& host, std::function<void(Lookup::Answer)> answered) = 0;

  // Runs `task` on the loop thread in a later turn, in the order of posting.
  // Any thread, also before run() and while the loop is being destroyed (then
  // the task is destroyed without having run).
  virtual void post(std::function<void()> task) = 0;
};

}  // namespace sidecar
