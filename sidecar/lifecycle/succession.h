#pragma once

// Succession is what outlives this daemon: the service manager keeps its connections and a table of their
// sessions, and the next daemon goes on with them. Applications notice nothing, an idle one stays registered, and what
// a process sent before it died is read.
//
//   client lives kStoreAfter -> it gets a name -> table with it written -> descriptor stored
//   client ends              -> descriptor removed
//   we end                   -> table written, also into the state directory
//   next daemon              -> table read -> each connection resumed with its session, HELLO asked for again;
//                               sessions without one awaited while their process lives
//
// Where the manager keeps nothing (a stop, or none there is), connections end with us and their shims connect again
// when they have something to say; until then the table of the state directory keeps them registered.
//
// The table's marks may be some seconds old; a client that is asked again says what it still has, and the marks
// pass what is gone.
//
// Owner: Daemon. Thread: loop.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agents/agent_table.h"
#include "base/random.h"
#include "handover/identity_table.h"
#include "ipc/server.h"
#include "lifecycle/state_directory.h"
#include "lifecycle/table_memory.h"
#include "loop/event_loop.h"
#include "session/session_manager.h"
#include "systemd/from_manager.h"
#include "systemd/notifier.h"

namespace sidecar {

class Succession final : public ConnectionKeeper {
 public:
  // Shorter lives are not worth two messages; their clients are over before a restart matters.
  static constexpr Duration kStoreAfter = std::chrono::seconds(2);
  static constexpr Duration kLook = std::chrono::seconds(1);
  // The manager compares each descriptor with all it has, and their names travel in one variable.
  static constexpr std::size_t kMaxStored = 2048;
  // The manager reads them one by one: a host that starts its services together stores them over some looks.
  static constexpr std::size_t kPerLook = 128;
  // The table is written for marks that moved alone after a look for each so many of its bytes, at most so many looks:
  // what a crash has the collector get twice is then little, and so is the work.
  static constexpr std::size_t kRewriteBytes = 64 * 1024;
  static constexpr std::size_t kRewriteAfter = 10;

  struct Parts {
    EventLoop& loop;
    Random& random;
    AgentTable& agents;
    Server& server;
    SessionManager& sessions;
    Notifier& notifier;
    const StateDirectory& state;
  };

  // All parts outlive it.
  Succession(Parts parts, std::uint64_t sidecar_epoch);
  ~Succession() override;

  // Goes on with what a predecessor left, and from now on stores. The server has started.
  void start(std::vector<HandedOver> stored);
  // Writes the sessions a last time, with their marks; the server may have stopped.
  void leave();

  // Connections given to the manager, which does not say whether it keeps them (FileDescriptorStoreMax=), those
  // that were taken over from a predecessor, and sessions of a predecessor without a connection that were awaited.
  std::size_t stored() const;
  std::size_t inherited() const { return inherited_; }
  std::size_t awaited() const { return awaited_; }

  void on_connection_ended(std::uint64_t id) override;
  bool keeps(std::uint64_t id) const override;

 private:
  struct Kept {
    std::string name;
    AgentKey session;
    int fd;  // the server's
    bool stored;
  };

  void resume(HandedOver connection, const LeftSession& left, std::uint64_t naming);
  void await(const LeftSession& left, std::uint64_t naming);

  void look();
  void remove_ended();
  bool name_new();
  std::string new_name();
  std::uint64_t moved() const;
  IdentityTable sessions() const;
  void write_table();
  void store_named();

  Parts parts_;
  const std::uint64_t sidecar_epoch_;
  std::unordered_map<std::uint64_t, Kept> kept_;  // by the server's id
  std::vector<std::string> ended_;                // to be removed
  TableMemory table_;
  bool written_ = false;           // the table that has all of kept_
  std::size_t looks_ = 0;          // since then
  std::uint64_t moved_ = 0;        // moved() then
  std::size_t rewrite_after_ = 0;  // so many of them
  std::size_t inherited_ = 0;
  std::size_t awaited_ = 0;
  LogLimit limit_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sidecar
