#pragma once

// Succession is what outlives this daemon: the service manager keeps its connections and a table of their
// sessions, and the next daemon goes on with them. Applications notice nothing, an idle one stays registered, and what
// a process sent before it died is read. Without a manager there is none of it: shims connect again by themselves.
//
//   client lives kStoreAfter -> it gets a name -> table with it written -> descriptor stored
//   client ends              -> descriptor removed
//   next daemon              -> table read -> each connection resumed with its session, HELLO asked for again
//
// The table is two memfds written in turn, each whole with a sum: whenever we die, one of them is good. Its marks may
// be some seconds old; a client that is asked again says what it still has, and the marks pass what is gone.
//
// Owner: Daemon. Thread: loop.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agents/agent_table.h"
#include "base/random.h"
#include "base/scoped_fd.h"
#include "handover/identity_table.h"
#include "ipc/server.h"
#include "loop/event_loop.h"
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
  // Looks after which the table is written for its marks alone.
  static constexpr unsigned kRewriteAfter = 10;

  struct Parts {
    EventLoop& loop;
    Random& random;
    AgentTable& agents;
    Server& server;
    Notifier& notifier;
  };

  // All parts outlive it.
  Succession(Parts parts, std::uint64_t sidecar_epoch);
  ~Succession() override;

  // Goes on with what a predecessor stored, and from now on stores. The server has started.
  void start(std::vector<HandedOver> stored);
  // Writes the marks a last time; the server may have stopped.
  void leave();

  // Connections given to the manager, which does not say whether it keeps them (FileDescriptorStoreMax=), and those
  // that were taken over from a predecessor.
  std::size_t stored() const;
  std::size_t inherited() const { return inherited_; }

  void on_connection_ended(std::uint64_t id) override;
  bool keeps(std::uint64_t id) const override;

 private:
  struct Kept {
    std::string name;
    AgentKey session;
    int fd;  // the server's
    bool stored;
  };

  IdentityTable take_tables(std::vector<HandedOver>& stored);
  void resume(HandedOver connection, const LeftSession* left, std::uint64_t naming);

  void look();
  void remove_ended();
  bool name_new();
  std::string new_name();
  bool write_table();
  void store_named();

  Parts parts_;
  const std::uint64_t sidecar_epoch_;
  std::unordered_map<std::uint64_t, Kept> kept_;  // by the server's id
  std::vector<std::string> ended_;                // to be removed
  std::array<ScopedFd, 2> tables_;
  std::array<bool, 2> tables_stored_ = {};
  std::uint64_t generation_ = 0;
  unsigned looks_ = 0;  // since the table was written
  std::size_t inherited_ = 0;
  LogLimit limit_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sidecar
