#include "lifecycle/succession.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/process.h"
#include "log/log.h"

namespace sidecar {

Succession::Succession(Parts parts, std::uint64_t sidecar_epoch)
    : parts_(parts), sidecar_epoch_(sidecar_epoch), timer_(parts.loop.make_timer([this] { look(); })) {}

Succession::~Succession() { parts_.server.set_keeper(nullptr); }

// --- From the predecessor ---------------------------------------------------

void Succession::start(std::vector<HandedOver> stored) {
  if (parts_.notifier.enabled()) parts_.server.set_keeper(this);
  auto table = table_.take(stored);
  const std::size_t connections = stored.size();
  if (!table && connections > 0)
    log_warning("the predecessor's connections are closed, and their applications come back: table of sessions: {}",
                table.error().message);
  auto snapshot = parts_.state.take_sessions();  // also if nobody needs it: it is old from now on
  if (!table) table = snapshot ? std::move(*snapshot) : IdentityTable();

  std::map<std::string, const LeftSession*> by_connection;
  for (const LeftSession& left : table->sessions)
    if (!left.connection.empty()) by_connection[left.connection] = &left;
  for (HandedOver& connection : stored) {
    const auto left = by_connection.find(connection.name);
    if (left == by_connection.end())
      ended_.push_back(connection.name);
    else
      resume(std::move(connection), *left->second, table->naming);
  }
  for (const LeftSession& left : table->sessions) await(left, table->naming);
  if (connections + table->sessions.size() > 0)
    log_info(
        "went on with {} of {} connections that a predecessor left; {} of its sessions have none and live, they stay "
        "registered",
        inherited_, connections, awaited_);
  if (parts_.notifier.enabled()) timer_->start_every(kLook);
}

void Succession::resume(HandedOver connection, const LeftSession& left, std::uint64_t naming) {
  const auto same = [&connection](const auto& kept) { return kept.second.name == connection.name; };
  if (std::any_of(kept_.begin(), kept_.end(), same)) return;  // twice in the store
  const int fd = connection.fd.get();
  const Tick now = parts_.loop.now();
  AgentPtr agent = parts_.agents.find(left.identity.key);
  if (!agent) agent = parts_.agents.add_again(left.identity, naming, left.settled, now);
  const std::uint64_t id = parts_.server.resume(std::move(connection.fd), agent);
  if (id == 0) {
    ended_.push_back(connection.name);
    if (agent->connected) return;
    agent->gone = true;
    agent->disconnected_at = now;
    return;
  }
  kept_[id] = {connection.name, left.identity.key, fd, true};
  ++inherited_;
}

void Succession::await(const LeftSession& left, std::uint64_t naming) {
  const AgentIdentity& who = left.identity;
  AgentPtr agent = parts_.agents.find(who.key);
  if (agent && agent->connected) return;
  ScopedFd process = open_process(who.pid, who.uid, who.start_ticks);
  if (!process) return;
  const Tick now = parts_.loop.now();
  if (!agent) agent = parts_.agents.add_again(who, naming, left.settled, now);
  agent->disconnected_at = now;
  parts_.sessions.await(agent, std::move(process));
  ++awaited_;
}

// --- For the successor ------------------------------------------------------

void Succession::look() {
  remove_ended();
  const bool changed = name_new();
  const bool due = changed || !written_ || (++looks_ >= rewrite_after_ && moved() != moved_);
  if (!kept_.empty() && due) write_table();
  store_named();
}

void Succession::remove_ended() {
  while (!ended_.empty() && parts_.notifier.remove(ended_.back())) ended_.pop_back();
}

void Succession::on_connection_ended(std::uint64_t id) {
  const auto at = kept_.find(id);
  if (at == kept_.end()) return;
  if (at->second.stored) ended_.push_back(at->second.name);
  kept_.erase(at);
  remove_ended();
}

bool Succession::keeps(std::uint64_t id) const {
  const auto at = kept_.find(id);
  return at != kept_.end() && at->second.stored;
}

bool Succession::name_new() {
  const Tick now = parts_.loop.now();
  const std::size_t before = kept_.size();
  parts_.server.for_each_agent([&](const Server::Lasting& client) {
    if (kept_.size() + ended_.size() >= kMaxStored || kept_.size() >= before + kPerLook) return;
    if (now - client.agent.connected_at < kStoreAfter || kept_.contains(client.id)) return;
    kept_[client.id] = {new_name(), client.agent.identity.key, client.fd, false};
  });
  return kept_.size() != before;
}

// Random, so that it is no name of a predecessor's connection: 35 bits among 2,048, and a second look costs nothing.
std::string Succession::new_name() {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::uint64_t bits = parts_.random.next();
  std::string name(1, kConnectionLetter);
  for (; name.size() < kMaxConnectionName; bits >>= 5) name += kDigits[bits & 31];
  return name;
}

// Another number when a session has come, gone, or been settled further.
std::uint64_t Succession::moved() const {
  std::uint64_t sum = 0;
  parts_.agents.for_each([&sum](const AgentPtr& agent) { sum += agent->gone ? 0 : 1 + agent->ledger.settled(); });
  return sum;
}

// Those with a connection in the store come first: for the others there may be no room.
IdentityTable Succession::sessions() const {
  IdentityTable table;
  table.sidecar_epoch = sidecar_epoch_;
  table.naming = parts_.agents.naming_mark();
  std::set<AgentKey> named;
  const auto add = [&table](std::string connection, const Agent& agent) {
    table.sessions.push_back({std::move(connection), agent.identity, agent.ledger.accepted(), agent.ledger.settled()});
  };
  for (const auto& [id, kept] : kept_)
    if (const AgentPtr agent = parts_.agents.find(kept.session); agent && named.insert(kept.session).second)
      add(kept.name, *agent);
  parts_.agents.for_each([&](const AgentPtr& agent) {
    if (!agent->gone && !agent->said_bye && !named.contains(agent->identity.key)) add({}, *agent);
  });
  return table;
}

void Succession::write_table() {
  const auto bytes = table_.write(sessions(), parts_.notifier);
  written_ = bytes.has_value();
  if (written_) {
    looks_ = 0;
    moved_ = moved();
    rewrite_after_ = std::min(1 + *bytes / kRewriteBytes, kRewriteAfter);
  } else if (limit_.pass(parts_.loop.now())) {
    log_warning("the sessions cannot be written down for a successor: {}", bytes.error().message);
  }
}

void Succession::store_named() {
  if (!written_) return;
  for (auto& [id, kept] : kept_) {
    if (kept.stored) continue;
    kept.stored = parts_.notifier.store(kept.name, kept.fd);
    if (!kept.stored) return;  // the rest at the next look
  }
}

void Succession::leave() {
  timer_->stop();
  if (parts_.notifier.enabled() && !kept_.empty()) write_table();
  parts_.state.leave_sessions(sessions());
}

std::size_t Succession::stored() const {
  return static_cast<std::size_t>(
      std::count_if(kept_.begin(), kept_.end(), [](const auto& kept) { return kept.second.stored; }));
}

}  // namespace sidecar
