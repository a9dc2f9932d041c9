#include "agents/agent_table.h"

#include <fmt/format.h>

#include <set>

#include "base/check.h"

namespace sidecar {

AgentPtr AgentTable::find(const AgentKey& key) const {
  const auto found = agents_.find(key);
  return found == agents_.end() ? nullptr : found->second;
}

AgentPtr AgentTable::add(AgentIdentity identity, int wanted_slot, std::uint64_t base, Tick now) {
  if (identity.instance.empty()) {
    identity.slot = free_slot(identity, wanted_slot);
    identity.instance = identity.slot == 0 ? fmt::format("{}@{}", identity.service, host_)
                                           : fmt::format("{}@{}#{}", identity.service, host_, identity.slot);
  }
  const AgentKey key = identity.key;
  auto agent = std::make_shared<Agent>(std::move(identity), base);
  agent->connected_at = now;
  const bool added = agents_.emplace(key, agent).second;
  CHECK(added);
  return agent;
}

int AgentTable::free_slot(const AgentIdentity& identity, int wanted) const {
  std::set<int> taken;
  for (const auto& [key, agent] : agents_) {
    const AgentIdentity& other = agent->identity;
    if (other.slot < 0 || other.uid != identity.uid || other.service != identity.service) continue;
    // Several shared objects of one process are one instance.
    if (other.pid == identity.pid && other.start_time_us == identity.start_time_us && agent->connected) return other.slot;
    // A slot is free again when its process has left or died; what it still owes
    // goes out under its own name all the same.
    if (agent->connected || !agent->gone) taken.insert(other.slot);
  }
  if (wanted >= 0 && taken.count(wanted) == 0) return wanted;
  int slot = 0;
  while (taken.count(slot) != 0) ++slot;
  return slot;
}

void AgentTable::forget_old(Tick now) {
  for (auto at = agents_.begin(); at != agents_.end();) {
    const Agent& agent = *at->second;
    const bool due = !agent.connected && now - agent.disconnected_at >= kKept;
    if (due && agent.ledger.counts().owed() == 0) {
      forgotten_ += agent.ledger.counts();
      at = agents_.erase(at);
    } else {
      ++at;
    }
  }
}

void AgentTable::for_each(const std::function<void(const AgentPtr&)>& visit) const {
  for (const auto& [key, agent] : agents_) visit(agent);
}

LedgerCounts AgentTable::totals() const {
  LedgerCounts sum = forgotten_;
  for (const auto& [key, agent] : agents_) sum += agent->ledger.counts();
  return sum;
}

}  // namespace sidecar
