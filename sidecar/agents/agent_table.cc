#include "agents/agent_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace sidecar {
namespace {

// Clients that come and go faster than the daemon's housekeeping are cleared away this often.
constexpr std::uint64_t kForgetEvery = 256;

// What a shim accepts as a name (sidecar_ipc/protocol.h: kMaxName).
constexpr std::size_t kMaxInstance = 255;

// Cut as the shim cuts its own default, between characters; the slot stays.
std::string instance_name(const std::string& service, const std::string& host, int slot) {
  const std::string end = slot == 0 ? std::string() : fmt::format("#{}", slot);
  std::string name = service + "@" + host;
  if (std::size_t size = kMaxInstance - end.size(); size < name.size()) {
    while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
    name.resize(size);
  }
  return name + end;
}

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
  if (identity.instance.empty()) {
    identity.slot = free_slot(identity, wanted_slot);
    identity.instance = instance_name(identity.service, host_, identity.slot);
  }
  if (++added_ % kForgetEvery == 0) forget_old(now);
  const AgentKey key = identity.key;
  auto agent = std::make_shared<Agent>(std::move(identity), base);
  agent->connected_at = now;
  const bool added = agents_.emplace(key, agent).second;
  CHECK(added);
  return agent;
}

int AgentTable::free_slot(const AgentIdentity& identity, int wanted) const {
  std::vector<bool> taken(agents_.size() + 1);  // by slot: one of these is free
  bool wanted_taken = wanted < 0;
  for (const auto& [key, agent] : agents_) {
    const AgentIdentity& other = agent->identity;
    if (other.slot < 0 || other.uid != identity.uid || other.service != identity.service) continue;
    // A slot is free again when its process has left or died and nothing of it is held any more:
    // until then its segments and a successor's would be one instance to the collector.
    if (!agent->connected && agent->gone && agent->ledger.counts().owed() == 0) continue;
    // Several shared objects of one process are one instance, and so is what it executes in its own place.
    if (same_process(identity, other)) return other.slot;
    const auto slot = static_cast<std::size_t>(other.slot);
    if (slot < taken.size()) taken[slot] = true;
    wanted_taken = wanted_taken || other.slot == wanted;
  }
  if (!wanted_taken) return wanted;
  return static_cast<int>(std::find(taken.begin(), taken.end(), false) - taken.begin());
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
