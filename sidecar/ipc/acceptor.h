#pragma once

// Acceptor takes connections from the listening socket, a bounded number a turn.
// When the process has no descriptor left it does not stop accepting for good and
// does not spin: it turns the waiting clients away with a spare descriptor that
// it keeps for that, and pauses.
//
// Owner: Server. Thread: loop.

#include <functional>
#include <memory>

#include "base/scoped_fd.h"
#include "loop/event_loop.h"

namespace sidecar {

class Acceptor {
 public:
  // Accepted in one go before the clients that are here get their turn.
  static constexpr unsigned kPerTurn = 64;
  static constexpr Duration kPause = std::chrono::milliseconds(100);

  // `take` gets each connection; `turn_away` those for which there is no
  // descriptor: it must close it before it returns. Neither may destroy the
  // acceptor. `listening` is borrowed.
  Acceptor(EventLoop& loop, int listening, std::function<void(ScopedFd)> take, std::function<void(ScopedFd)> turn_away);

  // Times it paused.
  std::uint64_t pauses() const { return pauses_; }

 private:
  void accept_some();
  void turn_some_away();
  void pause();
  ScopedFd accept_one() const;

  const int listening_;
  const std::function<void(ScopedFd)> take_;
  const std::function<void(ScopedFd)> turn_away_;
  ScopedFd spare_;
  std::uint64_t pauses_ = 0;
  std::unique_ptr<Timer> resume_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace sidecar
