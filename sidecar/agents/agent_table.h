#pragma once

// AgentTable knows every session of this daemon process: those connected, those
// whose process may come back, and those that still have segments held. What it
// forgets stays in the host's totals, so that the ledger of the host always
// balances.
//
// It also gives everyone the names in force (naming.h). An instance that did not name
// itself has a slot: the lowest one free among live ones of the same user and service.
//
// Owner: Daemon. Thread: loop.

#include <functional>
#include <map>
#include <string>

#include "agents/agent.h"
#include "agents/naming.h"

namespace sidecar {

class AgentTable {
 public:
  explicit AgentTable(Naming naming) : naming_(std::move(naming)) {}
  // The default names: {service}@`host`.
  explicit AgentTable(std::string host) : AgentTable(Naming({}, std::move(host), {})) {}

  // A session is forgotten this long after its connection ended, once nothing of it is held.
  static constexpr Duration kKept = std::chrono::minutes(10);
  // Of those that are kept for this reason alone, the longest disconnected go first
  // beyond this number: clients that come and go cannot fill the memory.
  static constexpr std::size_t kMaxKept = 2048;

  // The agent of `key`, or null.
  AgentPtr find(const AgentKey& key) const;

  // Adds an agent whose key is new. `identity` has the names that the program said; from here on they are those
  // in force. Without an instance it is given a slot: `wanted_slot` if it is free (-1: none), else the lowest free one.
  // Everything up to `base` counts as settled.
  AgentPtr add(AgentIdentity identity, int wanted_slot, std::uint64_t base, Tick now);

  // Forgets what is due: disconnected for kKept, or one too many, and owing nothing.
  void forget_old(Tick now);

  // In the order of their keys. `visit` must not add or forget.
  void for_each(const std::function<void(const AgentPtr&)>& visit) const;

  std::size_t size() const { return agents_.size(); }
  // Sum of the sessions that were forgotten.
  const LedgerCounts& forgotten() const { return forgotten_; }
  // Sum over all sessions this daemon has had.
  LedgerCounts totals() const;

  // Sessions since the start whose names were cut.
  std::uint64_t services_cut() const { return services_cut_; }
  std::uint64_t instances_cut() const { return instances_cut_; }

 private:
  void name(AgentIdentity& identity, int wanted_slot);
  struct Place {
    int slot;
    const Agent* beside = nullptr;  // of the same process: one instance with it
  };
  Place place_of(const AgentIdentity& identity, int wanted) const;

  const Naming naming_;
  std::map<AgentKey, AgentPtr> agents_;
  LedgerCounts forgotten_;
  std::uint64_t added_ = 0;
  std::uint64_t services_cut_ = 0;
  std::uint64_t instances_cut_ = 0;
};

}  // namespace sidecar
