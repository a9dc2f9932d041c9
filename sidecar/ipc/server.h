#pragma once

// Server is the socket that applications connect to: it accepts within its caps,
// asks the clients' sockets when there may be something to read, and gives each a
// fair share of a turn.
//
// When it looks at the sockets is look_timer.h's business. It does not know what
// a segment is (connection.h) nor where records go (agents/ports.h).
//
// Owner: Daemon. Thread: loop.

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/random.h"
#include "base/socket_file.h"
#include "ipc/acceptor.h"
#include "ipc/client_poll.h"
#include "ipc/connection.h"
#include "ipc/look_timer.h"
#include "ipc/options.h"
#include "ipc/shared.h"

namespace sidecar {

// Who keeps descriptors of connections where they outlive the daemon.
class ConnectionKeeper {
 public:
  virtual ~ConnectionKeeper() = default;
  // The connection has ended, by the client or by us; its descriptor is closed next.
  virtual void on_connection_ended(std::uint64_t id) = 0;
  // Whether it would outlive us now.
  virtual bool keeps(std::uint64_t id) const = 0;
};

class Server final : public RoomListener, private SessionClaims {
 public:
  // Clients that have not said HELLO: beyond this the oldest makes way.
  static constexpr unsigned kMaxUnhelloed = 256;
  // Read in one turn of the loop, over all clients: a few milliseconds of work.
  static constexpr std::uint64_t kTurnFrames = 1024;
  static constexpr std::uint64_t kTurnBytes = 4u << 20;
  // Below kBeatPeriodMs, so that a late timer does not break the promise.
  static constexpr Duration kBeat = std::chrono::milliseconds(ipc_protocol::kBeatPeriodMs * 4 / 5);

  // `features`: what to use of the kernel; tests switch some off.
  Server(const IpcOptions& options, EventLoop& loop, Random& random, AgentTable& agents, RecordSink& sink,
         AgentListener& listener, std::uint64_t sidecar_epoch, KernelFeatures features = {});
  ~Server() override;

  // Creates the socket, or takes over `handed_over`, and begins to accept. busy: another daemon has it and
  // is unharmed; invalid_argument, not_allowed: the path or what was handed over cannot be used, the message says why.
  Result<void> start(ScopedFd handed_over = {});
  // Where it is reached; empty before start().
  std::string path() const { return socket_ ? socket_->path() : std::string(); }

  // Told from now on; null: nobody. Outlives the server, or is taken away.
  void set_keeper(ConnectionKeeper* keeper) { keeper_ = keeper; }
  // Goes on with a connection that a predecessor had, as its agent's: what lies in it is read, and HELLO is asked for
  // again. Returns its id, or 0: it is not this agent's process, or there is no room; it is closed.
  std::uint64_t resume(ScopedFd socket, AgentPtr agent);
  // Connections that have said HELLO. `visit` must not change anything here.
  struct Lasting {
    std::uint64_t id;
    int fd;
    const Agent& agent;
  };
  void for_each_agent(const std::function<void(const Lasting&)>& visit) const;

  // What clients are told, through their pages at once.
  void set_upstream(ipc_protocol::UpstreamState state);
  void set_sampling(std::int64_t traces);  // per 3 s and process, -1 all
  void set_enabled(bool enabled);
  void set_ignore(const IgnoreRules& rules);  // whose frame carries them in all (protocol.h)

  // Sampling, ignored operations, the caps and the interval count from now on; whoever is connected stays, whatever
  // the caps. After start().
  void apply(const IpcOptions& options);

  // Tells all clients that the sidecar is about to stop. Newcomers are refused (shutting_down), or, if the
  // socket was handed over, left to wait in it for our successor; what arrives is read as before until stop().
  void begin_drain(Duration send_within, Duration reconnect_after, Duration jitter);

  // No more is read of connections that outlive us: what comes is our successor's. Since begin_drain(), which does not
  // tell them anything.
  void leave_kept();

  // Asks all clients to say HELLO again on their connection, with the same identity.
  void ask_hello_again();

  // Clients whose sockets are known to hold more than was read: they wait for room or for their turn.
  std::size_t unread() const { return blocked_.size() + ready_.size(); }

  // Closes everything and removes the socket if it is still ours. What is unread stays with the
  // clients, which send it to our successor; so the listener is not told that they have gone.
  void stop();

  // May be called from anywhere on the loop, also from within RecordSink: reading goes on in a later turn.
  // (All other functions: not from within RecordSink or AgentListener.)
  void on_room() override;

  IpcStatus status() const;

 private:
  struct Client {
    std::unique_ptr<Connection> connection;
    bool polled = false;    // in poll_
    bool queued = false;    // in ready_
    bool blocked = false;   // in blocked_
    bool kept = false;      // outlives us; set by begin_drain()
    bool left = false;      // is not read any more
    std::size_t found = 0;  // by the look of this number: what its socket held
    std::uint64_t look = 0;
  };

  bool claim(const Agent& agent, const Connection& by) override;

  void take(ScopedFd socket);
  void turn_away(ScopedFd socket);
  void make_room_for_silent();
  void refuse_silent();
  void arm_hello_timer();

  void add_client(std::uint64_t id, std::unique_ptr<Connection> connection);

  void tick();
  void turn();
  void begin_look();
  void end_look();
  Connection::Progress serve(std::uint64_t id);
  void enqueue(std::uint64_t id, Client& client);
  void resume_blocked();
  void write_owed_marks();
  void beat();
  void remove(std::uint64_t id);

  Refusal busy(std::string why);
  void set_caps();
  void write_settings();

  IpcOptions options_;
  EventLoop& loop_;
  Random& random_;
  const KernelFeatures features_;
  IpcShared shared_;
  std::optional<SocketFile> socket_;
  ClientPoll poll_;
  ConnectionKeeper* keeper_ = nullptr;
  std::uint64_t config_version_ = 0;
  unsigned max_connections_ = 0;
  unsigned max_per_user_ = 0;

  std::uint64_t look_ = 0;  // looks at the sockets so far; one lasts until all it found was read, or to the next
  bool looking_ = false;    // one lasts; what is read otherwise had to wait for room or for its turn, and tells nothing
  std::size_t fullest_ = 0;  // the most that one socket held in this look
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Client> clients_;  // by id, which we choose
  std::unordered_map<uid_t, unsigned> per_user_;
  std::map<std::uint64_t, Tick> silent_;    // those that have not said HELLO, oldest first, and when they must have
  std::deque<std::uint64_t> ready_;         // to be served, in this order
  std::deque<std::uint64_t> blocked_;       // wait for on_room(); some may have gone
  std::unordered_set<std::uint64_t> owed_;  // more accepted than settled: their marks move without traffic of theirs

  // Last, so that none outlives what its callback touches.
  std::unique_ptr<Timer> turn_timer_;
  std::unique_ptr<Timer> room_timer_;
  std::unique_ptr<Timer> hello_timer_;
  std::unique_ptr<Timer> beat_timer_;
  std::unique_ptr<LookTimer> look_timer_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace sidecar
