#include "fake_loop.h"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sidecar {

struct FakeLoop::TimerState {
  std::function<void()> callback;
  std::optional<Tick> due;
  Duration period{0};
  std::uint64_t order = 0;  // of arming: breaks ties as libuv does
};

struct FakeLoop::WatchState {
  int fd;
  std::function<void(bool, bool)> callback;
  bool readable = false;
  bool writable = false;
};

struct FakeLoop::SignalState {
  int signal;
  std::function<void()> callback;
};

struct FakeLoop::LookupState {
  std::string host;
  std::function<void(Lookup::Answer)> answered;
};

class FakeLoop::LookupHandle final : public Lookup {
 public:
  explicit LookupHandle(std::shared_ptr<LookupState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<LookupState> state_;
};

class FakeLoop::TimerHandle final : public Timer {
 public:
  TimerHandle(FakeLoop& loop, std::shared_ptr<TimerState> state) : loop_(loop), state_(std::move(state)) {}
  void start(Duration delay) override { arm(delay, Duration::zero()); }
  void start_every(Duration period) override { arm(period, std::max<Duration>(period, std::chrono::milliseconds(1))); }
  void stop() override { state_->due.reset(); }
  bool armed() const override { return state_->due.has_value(); }

 private:
  void arm(Duration delay, Duration period) {
    state_->due = loop_.now_ + std::max(delay, Duration::zero());
    state_->period = period;
    state_->order = ++loop_.armings_;
  }
  FakeLoop& loop_;
  std::shared_ptr<TimerState> state_;
};

class FakeLoop::WatchHandle final : public FdWatch {
 public:
  explicit WatchHandle(std::shared_ptr<WatchState> state) : state_(std::move(state)) {}
  ~WatchHandle() override { stop(); }
  void start(bool readable, bool writable) override {
    state_->readable = readable;
    state_->writable = writable;
  }
  void stop() override { state_->readable = state_->writable = false; }

 private:
  std::shared_ptr<WatchState> state_;
};

class FakeLoop::SignalHandle final : public SignalWatch {
 public:
  explicit SignalHandle(std::shared_ptr<SignalState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<SignalState> state_;
};

namespace {

template <class State>
void forget_expired(std::vector<std::weak_ptr<State>>& states) {
  states.erase(std::remove_if(states.begin(), states.end(), [](const auto& state) { return state.expired(); }),
               states.end());
}

}  // namespace

std::unique_ptr<Timer> FakeLoop::make_timer(std::function<void()> callback) {
  auto state = std::make_shared<TimerState>();
  state->callback = std::move(callback);
  timers_.push_back(state);
  return std::make_unique<TimerHandle>(*this, std::move(state));
}

std::unique_ptr<FdWatch> FakeLoop::watch_fd(int fd, std::function<void(bool, bool)> callback) {
  auto state = std::make_shared<WatchState>();
  state->fd = fd;
  state->callback = std::move(callback);
  watches_.push_back(state);
  return std::make_unique<WatchHandle>(std::move(state));
}

std::unique_ptr<SignalWatch> FakeLoop::watch_signal(int signal, std::function<void()> callback) {
  auto state = std::make_shared<SignalState>();
  state->signal = signal;
  state->callback = std::move(callback);
  signals_.push_back(state);
  return std::make_unique<SignalHandle>(std::move(state));
}

std::unique_ptr<Lookup> FakeLoop::look_up(const std::string& host, std::function<void(Lookup::Answer)> answered) {
  auto state = std::make_shared<LookupState>(LookupState{host, std::move(answered)});
  asked_.push_back(state);
  ++lookups_;
  return std::make_unique<LookupHandle>(std::move(state));
}

void FakeLoop::set_addresses(const std::string& host, std::vector<std::string> addresses) {
  addresses_[host] = std::move(addresses);
}

void FakeLoop::hold_lookups(bool hold) { holding_lookups_ = hold; }

void FakeLoop::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
}

void FakeLoop::run_until_idle() {
  while (run_posted() || run_lookups() || run_due_timer() || run_ready_watches()) {
  }
}

void FakeLoop::advance(Duration by) {
  const Tick end = now_ + by;
  for (run_until_idle(); next_due() <= end; run_until_idle()) {
    const Duration step = next_due() - now_;
    now_ += step;
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(step);
  }
  wall_ += std::chrono::duration_cast<std::chrono::microseconds>(end - now_);
  now_ = end;
  run_until_idle();
}

void FakeLoop::raise(int signal) {
  const auto copies = signals_;
  for (const auto& weak : copies)
    if (const auto state = weak.lock(); state && state->signal == signal) state->callback();
  run_until_idle();
}

Tick FakeLoop::next_due() const {
  Tick soonest = Tick::max();
  for (const auto& weak : timers_)
    if (const auto state = weak.lock(); state && state->due) soonest = std::min(soonest, *state->due);
  return soonest;
}

bool FakeLoop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
  return !tasks.empty();
}

bool FakeLoop::run_lookups() {
  if (holding_lookups_ || asked_.empty()) return false;
  for (const auto& weak : std::exchange(asked_, {})) {
    const auto state = weak.lock();
    if (!state) continue;
    const std::vector<std::string>& found = addresses_[state->host];
    // moved out: the answer may destroy its handle
    const auto answered = std::exchange(state->answered, nullptr);
    if (found.empty())
      answered(fail(Errc::not_found, "unknown node or service"));
    else
      answered(found);
  }
  return true;
}

bool FakeLoop::run_due_timer() {
  forget_expired(timers_);
  std::shared_ptr<TimerState> first;
  for (const auto& weak : timers_) {
    const auto state = weak.lock();
    if (!state || !state->due || *state->due > now_) continue;
    if (!first || std::pair(*state->due, state->order) < std::pair(*first->due, first->order)) first = state;
  }
  if (!first) return false;
  if (first->period > Duration::zero()) {
    first->due = now_ + first->period;
  } else {
    first->due.reset();
  }
  first->callback();
  return true;
}

bool FakeLoop::run_ready_watches() {
  forget_expired(watches_);
  forget_expired(signals_);
  const auto copies = watches_;
  bool any = false;
  for (const auto& weak : copies) {
    const auto state = weak.lock();
    if (!state || (!state->readable && !state->writable)) continue;
    pollfd entry{state->fd, static_cast<short>((state->readable ? POLLIN : 0) | (state->writable ? POLLOUT : 0)), 0};
    if (poll(&entry, 1, 0) <= 0) continue;
    const bool readable = state->readable && (entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    const bool writable = state->writable && (entry.revents & (POLLOUT | POLLERR)) != 0;
    if (!readable && !writable) continue;
    state->callback(readable, writable);
    any = true;
  }
  return any;
}

}  // namespace sidecar
