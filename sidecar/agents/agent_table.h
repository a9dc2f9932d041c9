#pragma once

// AgentTable knows every session of this daemon process: those connected, those
// whose process may come back, and those that still have segments held. What it
// forgets stays in the host's totals, so that the ledger of the host always
// balances.
//
// It also names instances that did not name themselves: {service}@{host}, and
// {service}@{host}#{n} from the second live one on, n being the lowest slot free
// among instances of the same user and service.
//
// Owner: Daemon. Thread: loop.

#include <functional>
#include <map>
#include <string>

#include "agents/agent.h"

namespace sidecar {

class AgentTable {
 public:
  // `host` is used in instance names, e.g. the host name.
  explicit AgentTable(std::string host) : host_(std::move(host)) {}

  // A session is forgotten this long after its connection ended, once nothing of it is held.
  static constexpr Duration kKept = std::chrono::minutes(10);
  // Of those that are kept for this reason alone, the longest disconnected go first
  // beyond this number: clients that come and go cannot fill the memory.
  static constexpr std::size_t kMaxKept = 2048;

  // The agent of `key`, or null.
  AgentPtr find(const AgentKey& key) const;

  // Adds an agent whose key is new. An empty `identity.instance` is given a name and
  // a slot: `wanted_slot` if it is free (-1: none), else the lowest free one.
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

 private:
  int free_slot(const AgentIdentity& identity, int wanted) const;

  const std::string host_;
  std::map<AgentKey, AgentPtr> agents_;
  LedgerCounts forgotten_;
  std::uint64_t added_ = 0;
};

}  // namespace sidecar
