#pragma once

// Shutdown is the way from serving to stopped, in steps:
//
//   drain   tell the clients to come back later, read what is under way         kDrainWindow
//           (those whose connection outlives us are told nothing, and are read no more after this)
//   send    send what is held, and go on reading what had no room before        until the deadline
//   stopped say what is left
//
// Sockets are read to their end, because for a process that has ended ours is the only copy.
// What is left of a living one is not lost: its shim keeps it, since it was never settled,
// and sends it again to the next sidecar.
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
  // How often it is asked whether all is done. Longer than sockets are left unread while traffic flows.
  static constexpr Duration kLook = std::chrono::milliseconds(50);
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

  // `deadline` is for all of it. `stopped` is called once, in a later turn, with the number of sockets
  // that were not read to their end.
  Shutdown(Parts parts, Duration deadline, std::function<void(std::size_t unread)> stopped);

 private:
  void send();
  void finish_if_done();

  Parts parts_;
  const Tick end_;
  std::function<void(std::size_t unread)> stopped_;
  std::unique_ptr<Timer> timer_;
};

// What was not delivered when the daemon stopped.
struct Left {
  std::uint64_t segments = 0;  // held, counted by walking
  std::size_t unread = 0;      // sockets that were not read to their end

  bool nothing() const { return segments == 0 && unread == 0; }
};

// Counts it and logs it by instance.
Left report_left(const Carrier& carrier, const Pipeline& pipeline, std::size_t unread);

}  // namespace sidecar
