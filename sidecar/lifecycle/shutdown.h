#pragma once

// Shutdown is the way from serving to stopped, in steps, each with its time:
//
//   drain   tell the clients to come back later and read what is under way    kDrainWindow
//   close   admit nothing more                                                at once
//   send    send what is held                                                 until the deadline
//   stopped say what is left
//
// What is left of a living application is not lost: its shim keeps it, since it was
// never settled, and sends it again to the next sidecar. What is left of a dead one is lost,
// and is said.
//
// Owner: Daemon. Thread: loop.

#include <functional>
#include <memory>

#include "loop/event_loop.h"

namespace sidecar {

class Carrier;
class Server;
class Pipeline;
class SessionManager;

class Shutdown {
 public:
  // How long clients are read after they were told to stop sending.
  static constexpr Duration kDrainWindow = std::chrono::milliseconds(200);
  // When clients come back: a successor needs a moment, and they must not come together.
  static constexpr Duration kReconnectAfter = std::chrono::milliseconds(500);
  static constexpr Duration kReconnectJitter = std::chrono::seconds(1);

  struct Parts {
    EventLoop& loop;
    Carrier& carrier;
    Pipeline& pipeline;
    SessionManager& sessions;
    Server& server;
  };

  // `deadline` is for all of it. `stopped` is called once, in a later turn.
  Shutdown(Parts parts, Duration deadline, std::function<void()> stopped);

 private:
  void close();
  void finish();

  Parts parts_;
  const Tick end_;
  std::function<void()> stopped_;
  std::unique_ptr<Timer> timer_;
};

// Logs what is still held, by instance, and returns how many segments that is.
std::uint64_t report_left(const Carrier& carrier, const Pipeline& pipeline);

}  // namespace sidecar
