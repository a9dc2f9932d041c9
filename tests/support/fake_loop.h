#pragma once

// FakeLoop is an EventLoop whose time moves only when told. Timers fire in the
// order of their due times; watched descriptors are real and are asked without
// waiting. Same semantics as UvLoop: level-triggered watches, handles that cancel
// when destroyed, post() from any thread.

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "loop/event_loop.h"

namespace sidecar {

class FakeLoop final : public EventLoop {
 public:
  Tick now() const override { return now_; }
  WallTime wall_now() const override { return wall_; }
  std::unique_ptr<Timer> make_timer(std::function<void()> callback) override;
  std::unique_ptr<FdWatch> watch_fd(int fd, std::function<void(bool, bool)> callback) override;
  std::unique_ptr<SignalWatch> watch_signal(int signal, std::function<void()> callback) override;
  // Answered by what set_addresses() says, in a later turn; names that nobody has told of do not exist.
  std::unique_ptr<Lookup> look_up(const std::string& host, std::function<void(Lookup::Answer)> answered) override;
  void post(std::function<void()> task) override;

  // What `host` resolves to from now on; empty: it does not exist.
  void set_addresses(const std::string& host, std::vector<std::string> addresses);
  // From now on the resolver answers nothing; false lets it answer what it was asked meanwhile.
  void hold_lookups(bool hold);
  std::size_t lookups() const { return lookups_; }
  // Runs posted tasks, due timers and ready descriptors until there are none.
  void run_until_idle();
  // Moves both clocks, firing timers at their own times on the way.
  void advance(Duration by);
  // Moves the wall clock alone, as a clock step would.
  void step_wall(std::chrono::microseconds by) { wall_ += by; }
  // Delivers a signal to its watchers.
  void raise(int signal);
  // When the next timer is due; nullptr-like max if none.
  Tick next_due() const;

 private:
  struct TimerState;
  struct WatchState;
  struct SignalState;
  struct LookupState;
  class LookupHandle;
  class TimerHandle;
  class WatchHandle;
  class SignalHandle;

  bool run_posted();
  bool run_due_timer();
  bool run_ready_watches();
  bool run_lookups();

  Tick now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::microseconds(1'795'471'500'000'000)};
  std::uint64_t armings_ = 0;
  std::vector<std::weak_ptr<TimerState>> timers_;
  std::vector<std::weak_ptr<WatchState>> watches_;
  std::vector<std::weak_ptr<SignalState>> signals_;
  std::map<std::string, std::vector<std::string>> addresses_;
  std::vector<std::weak_ptr<LookupState>> asked_;
  bool holding_lookups_ = false;
  std::size_t lookups_ = 0;
  std::mutex mutex_;  // guards posted_
  std::vector<std::function<void()>> posted_;
};

}  // namespace sidecar
