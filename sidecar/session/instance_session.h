#pragma once

// InstanceSession keeps one service instance registered: it runs the table of
// session_state.h with timers and calls. Announced on connect and after each
// reconnect (properties and at once keepAlive: properties alone show nothing);
// then keepAlive each interval with jitter, properties at every n-th.
//
// Owner: SessionManager. Thread: loop.

#include <vector>

#include "base/backoff.h"
#include "base/random.h"
#include "loop/event_loop.h"
#include "session/options.h"
#include "session/session_state.h"
#include "uplink/collector.h"

namespace sidecar {

class InstanceSession {
 public:
  // The references outlive the session.
  InstanceSession(InstanceName name, Properties properties, const SessionOptions& options, EventLoop& loop,
                  Collector& collector, Random& random);

  // From now on the instance is shown with these: at the next beat, or announcement.
  void set_properties(Properties properties);

  // The options, which are the owner's, say another interval: the next beat comes after that.
  void repace();

  // Feeds an event from outside: collector_ready, collector_lost, ended.
  // `spread`: an announcement is delayed by a random part of this.
  void on(SessionEvent event, Duration spread = Duration::zero());

  SessionState state() const { return state_; }
  // Of the current state.
  Tick since() const { return since_; }
  const InstanceName& name() const { return name_; }
  // Of the last call that failed; empty while the last one was OK.
  const std::string& last_error() const { return last_error_; }

 private:
  void act(SessionAction action);
  void announce();
  void beat();
  void send_properties();
  void send_keep_alive();
  void answered(const Outcome& outcome);
  void cancel();

  const InstanceName name_;
  Properties properties_;
  const SessionOptions& options_;
  EventLoop& loop_;
  Collector& collector_;
  Random& random_;

  SessionState state_ = SessionState::waiting;
  Tick since_;
  unsigned beats_ = 0;     // since the announcement
  bool changed_ = false;   // the properties, since they were sent
  unsigned failures_ = 0;  // in a row
  unsigned in_flight_ = 0;
  bool failed_ = false;  // one of those in flight
  Duration spread_ = Duration::zero();
  std::string last_error_;
  std::unique_ptr<Timer> timer_;
  CallPtr properties_call_;
  CallPtr keep_alive_call_;
};

}  // namespace sidecar
