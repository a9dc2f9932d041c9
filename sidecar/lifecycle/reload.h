#pragma once

// Reload puts a changed configuration in force while the daemon runs. The file is read and checked whole, as at the
// start; a mistake refuses it, and what was in force stays. Otherwise every change is applied or named with what it
// needs (config/changes.h). It is one turn of the loop, so nobody sees half of it.
//
// SIGHUP and `sidecarctl reload` end here. Signals that come during a reload are delivered after it, and those of one
// turn are one: none is lost, and a thousand cost one reload or a few.
//
// Owner: Daemon. Thread: loop; the file is small, regular and read there.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/changes.h"
#include "loop/event_loop.h"

namespace sidecar {

class Reload {
 public:
  struct Outcome {
    std::vector<std::string> errors;  // none: the file is in force; one line each, safe to print
    std::vector<Change> changes;
    std::vector<std::string> cautions;  // config/cautions.h

    bool applied() const { return errors.empty(); }
  };

  // Told around each reload, on the loop: what the service manager wants to know.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_reload_begins() = 0;
    virtual void on_reload_ends(const Outcome& outcome) = 0;
  };

  // What status shows.
  struct Status {
    Tick loaded{};   // when what is in force was read
    Tick refused{};  // the last reload, if it was refused; else zero
    std::uint64_t reloads = 0, refusals = 0;
    std::vector<std::string> errors;  // of the last reload
    std::vector<Change> pending;      // what needs a restart
  };

  using Load = std::function<LoadedConfig()>;
  // Gives every part what concerns it; must not fail.
  using Apply = std::function<void(const Config&)>;

  // `in_force`: what the daemon was started with.
  Reload(LoadedConfig in_force, EventLoop& loop, Load load, Apply apply);

  void set_listener(Listener* listener) { listener_ = listener; }

  // Reloads in a turn of its own; several requests until then are one. The outcome is in log and status.
  void request() { timer_->start(Duration::zero()); }
  // Reloads now.
  Outcome run();

  // Until the next reload, which puts the file's level in force again.
  void set_log_level(LogLevel level);

  const Config& in_force() const { return in_force_.config; }
  const Status& status() const { return status_; }

 private:
  Outcome load_and_apply();
  void note(const Outcome& outcome);

  LoadedConfig in_force_;
  EventLoop& loop_;
  const Load load_;
  const Apply apply_;
  Listener* listener_ = nullptr;
  Status status_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sidecar
