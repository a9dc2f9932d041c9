#include "agents/agent_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace sidecar {
namespace {

// Clients that come and go faster than the daemon's housekeeping are cleared away this often.
constexpr std::uint64_t kForgetEvery = 256;

// Pid 0 is every process of a foreign pid namespace. When a process began is computed by each session from two clocks,
// and differs by what passes between reading them.
bool same_process(const AgentIdentity& one, const AgentIdentity& other) {
  constexpr std::int64_t kClocksDifferUs = 1'000'000;
  const auto [earlier, later] = std::minmax(one.start_time_us, other.start_time_us);
  return one.pid != 0 && one.pid == other.pid && later - earlier < kClocksDifferUs;
}

}  // namespace

AgentPtr AgentTable::find(const AgentKey& key) const {
  const auto found = agents_.find(key);
  return found == agents_.end() ? nullptr : found->second;
}

AgentPtr AgentTable::add(AgentIdentity identity, int wanted_slot, std::uint64_t base, Tick now) {
  name(identity, wanted_slot);
  if (++added_ % kForgetEvery == 0) forget_old(now);
  const AgentKey key = identity.key;
  auto agent = std::make_shared<Agent>(std::move(identity), base);
  agent->connected_at = now;
  const bool added = agents_.emplace(key, agent).second;
  CHECK(added);
  return agent;
}

void AgentTable::name(AgentIdentity& identity, int wanted_slot) {
  identity.said = {identity.service, identity.instance};
  CutName service = naming_.service(identity.said.service);
  identity.service = std::move(service.text);
  identity.service_cut = service.cut;
  CutName instance;
  if (!identity.said.instance.empty()) {
    instance = Naming::own_instance(identity.said.instance);
  } else {
    const Place place = place_of(identity, wanted_slot);
    identity.slot = place.slot;
    instance = place.beside == nullptr ? naming_.instance(identity, place.slot)
                                       : CutName{place.beside->identity.instance, place.beside->identity.instance_cut};
  }
  identity.instance = std::move(instance.text);
  identity.instance_cut = instance.cut;
  if (identity.service_cut) ++services_cut_;
  if (identity.instance_cut) ++instances_cut_;
}

AgentTable::Place AgentTable::place_of(const AgentIdentity& identity, int wanted) const {
  std::vector<bool> taken(agents_.size() + 1);  // by slot: one of these is free
  bool wanted_taken = wanted < 0;
  for (const auto& [key, agent] : agents_) {
    const AgentIdentity& other = agent->identity;
    if (other.slot < 0 || other.uid != identity.uid || other.service != identity.service) continue;
    // A slot is free again when its process has left or died and nothing of it is held any more:
    // until then its segments and a successor's would be one instance to the collector.
    if (!agent->connected && agent->gone && agent->ledger.counts().owed() == 0) continue;
    // Several shared objects of one process are one instance, whatever is in its name, and so is what it executes in
    // its own place.
    if (same_process(identity, other)) return {other.slot, agent.get()};
    const auto slot = static_cast<std::size_t>(other.slot);
    if (slot < taken.size()) taken[slot] = true;
    wanted_taken = wanted_taken || other.slot == wanted;
  }
  if (!wanted_taken) return {wanted};
  return {static_cast<int>(std::find(taken.begin(), taken.end(), false) - taken.begin())};
}

void AgentTable::forget_old(Tick now) {
  std::vector<std::pair<Tick, AgentKey>> kept;
  for (const auto& [key, agent] : agents_)
    if (!agent->connected && agent->ledger.counts().owed() == 0) kept.emplace_back(agent->disconnected_at, key);
  std::sort(kept.begin(), kept.end());
  std::size_t surplus = kept.size() > kMaxKept ? kept.size() - kMaxKept : 0;
  for (const auto& [disconnected_at, key] : kept) {
    if (surplus == 0 && now - disconnected_at < kKept) return;
    if (surplus > 0) --surplus;
    const auto at = agents_.find(key);
    forgotten_ += at->second->ledger.counts();
    agents_.erase(at);
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
