#pragma once

// Resolver asks the system for the addresses of names, and waits for an answer so long and no longer. A question that
// takes longer goes on: what it brings is told late, and until then nobody asks the same again, so that a resolver that
// is slower than our patience is heard all the same.
//
// At its end questions that libuv has not begun are cancelled. One that the system's resolver has taken cannot be: its
// thread holds up the end of the loop until the resolver gives up, or main() does, 3 s after all was done.
//
// Owner: Links. Thread: loop. Knows no addresses, and not what a failure means.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/event_loop.h"

namespace sidecar {

class Resolver {
 public:
  // `in_time`: it is the answer that is waited for, or an error because there is none yet. Else it is late.
  using Told = std::function<void(std::size_t name, Lookup::Answer answer, bool in_time)>;

  // How long an answer is waited for.
  static constexpr Duration kPatience = std::chrono::seconds(10);

  // `names`: how many there are. `told` comes in a turn of its own, and not after destruction.
  Resolver(EventLoop& loop, std::size_t names, Told told);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Other names from now on, so many; what is under way is not told any more.
  void restart(std::size_t names);

  // Waits for the addresses of `name` (< names), which is called `host`; asks if no question is under way. In place
  // of what was waited for before, whose answer will be late.
  void ask(std::size_t name, const std::string& host);
  bool waiting() const { return awaited_.has_value(); }
  // What is under way is late.
  void wait_no_longer();
  // Whether a question is under way that was waited for in vain.
  bool is_slow(std::size_t name) const { return lookups_[name] != nullptr && awaited_ != name; }

  // From now on waits no longer than this, also for what is under way.
  void hurry(Duration patience);

 private:
  void on_answer(std::size_t name, Lookup::Answer answer);

  EventLoop& loop_;
  const Told told_;
  Duration patience_ = kPatience;
  std::optional<std::size_t> awaited_;
  std::unique_ptr<Timer> limit_;  // of the wait
  std::vector<std::unique_ptr<Lookup>> lookups_;
};

}  // namespace sidecar
