#pragma once

// UvLoop is EventLoop on libuv, and the only place that sees it.
//
// Owner: main(). Thread: the one that calls run(), except post() and stop().
// post() pushes under a mutex and signals with uv_async_send; libuv merges
// signals, so each wake-up runs everything that was posted before it.
// libuv frees late: a handle's memory lives until its close callback, which is
// why every handle here is a small heap object that closes and deletes itself.
// The first look_up() starts libuv's pool of threads, which wait for the resolver in our place; one
// that the resolver keeps waiting holds up the loop's destructor until the resolver gives up.

#include <uv.h>

#include <mutex>
#include <vector>

#include "loop/event_loop.h"

namespace sidecar {

class UvLoop final : public EventLoop {
 public:
  UvLoop();
  // All handles made by this loop must be gone.
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  // Runs until stop(). May be called again afterwards.
  void run();
  // Ends run() after the current turn. Any thread.
  void stop();

  Tick now() const override;
  WallTime wall_now() const override;
  std::unique_ptr<Timer> make_timer(std::function<void()> callback) override;
  std::unique_ptr<FdWatch> watch_fd(int fd, std::function<void(bool, bool)> callback) override;
  std::unique_ptr<SignalWatch> watch_signal(int signal, std::function<void()> callback) override;
  std::unique_ptr<Lookup> look_up(const std::string& host, std::function<void(Lookup::Answer)> answered) override;
  void post(std::function<void()> task) override;

 private:
  void run_posted();

  uv_loop_t loop_;
  uv_async_t wake_;
  mutable std::uint64_t wall_turn_ = 0;  // the libuv time at which wall_now_ was read
  mutable WallTime wall_now_;

  std::mutex mutex_;  // guards the two below; everything else is the loop thread's
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
};

}  // namespace sidecar
