#include "lifecycle/succession.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "log/log.h"

namespace sidecar {
namespace {

// What the descriptor holds, as long as a table may be; empty if it cannot be read.
std::vector<std::uint8_t> contents(int fd) {
  struct stat found {};
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return {};
  const auto size = std::min<std::uint64_t>(static_cast<std::uint64_t>(found.st_size), kMaxTableBytes);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

std::size_t table_number(const std::string& name) {
  return static_cast<std::size_t>(std::find(std::begin(kTableNames), std::end(kTableNames), name) -
                                  std::begin(kTableNames));
}

}  // namespace

Succession::Succession(Parts parts, std::uint64_t sidecar_epoch)
    : parts_(parts), sidecar_epoch_(sidecar_epoch), timer_(parts.loop.make_timer([this] { look(); })) {}

Succession::~Succession() { parts_.server.set_keeper(nullptr); }

// --- From the predecessor ---------------------------------------------------

void Succession::start(std::vector<HandedOver> stored) {
  if (!parts_.notifier.enabled()) return;
  parts_.server.set_keeper(this);
  const std::size_t before = stored.size();
  const IdentityTable table = take_tables(stored);
  std::map<std::string, const LeftSession*> by_connection;
  for (const LeftSession& left : table.sessions) by_connection[left.connection] = &left;
  for (HandedOver& connection : stored) {
    const auto left = by_connection.find(connection.name);
    resume(std::move(connection), left == by_connection.end() ? nullptr : left->second, table.naming);
  }
  if (before > 0) log_info("went on with {} of {} connections that a predecessor left", inherited_, stored.size());
  timer_->start_every(kLook);
}

// Leaves the connections in `stored`.
IdentityTable Succession::take_tables(std::vector<HandedOver>& stored) {
  IdentityTable newest;
  bool any = false;
  std::string why = "none was left";
  std::vector<HandedOver> connections;
  for (HandedOver& one : stored) {
    const std::size_t number = table_number(one.name);
    if (number == tables_.size()) {
      connections.push_back(std::move(one));
      continue;
    }
    if (tables_[number]) continue;  // stored twice: they are the same, or the sum tells
    tables_[number] = std::move(one.fd);
    tables_stored_[number] = true;
    auto table = decode_table(contents(tables_[number].get()));
    if (!table) {
      why = table.error().message;
    } else if (!any || table->generation > newest.generation) {
      newest = std::move(*table);
      any = true;
    }
  }
  if (!any && !connections.empty())
    log_warning("the predecessor's connections are closed, and their applications come back: table of sessions: {}",
                why);
  generation_ = newest.generation;
  stored = std::move(connections);
  return newest;
}

void Succession::resume(HandedOver connection, const LeftSession* left, std::uint64_t naming) {
  const auto same = [&connection](const auto& kept) { return kept.second.name == connection.name; };
  if (std::any_of(kept_.begin(), kept_.end(), same)) return;  // twice in the store
  std::uint64_t id = 0;
  const int fd = connection.fd.get();
  if (left != nullptr) {
    const Tick now = parts_.loop.now();
    AgentPtr agent = parts_.agents.find(left->identity.key);
    if (!agent) agent = parts_.agents.add_again(left->identity, naming, left->settled, now);
    id = parts_.server.resume(std::move(connection.fd), agent);
    if (id == 0 && !agent->connected) {
      agent->gone = true;
      agent->disconnected_at = now;
    }
  }
  if (id == 0) return ended_.push_back(connection.name);
  kept_[id] = {connection.name, left->identity.key, fd, true};
  ++inherited_;
}

// --- For the successor ------------------------------------------------------

void Succession::look() {
  remove_ended();
  const bool changed = name_new();
  if (kept_.empty() || (!changed && ++looks_ < kRewriteAfter)) return store_named();
  if (write_table()) store_named();
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

bool Succession::write_table() {
  IdentityTable table;
  table.sidecar_epoch = sidecar_epoch_;
  table.generation = ++generation_;
  table.naming = parts_.agents.naming_mark();
  for (const auto& [id, kept] : kept_) {
    const AgentPtr agent = parts_.agents.find(kept.session);
    if (agent)
      table.sessions.push_back({kept.name, agent->identity, agent->ledger.accepted(), agent->ledger.settled()});
  }
  const EncodedTable encoded = encode_table(table);
  const std::size_t number = generation_ % tables_.size();
  ScopedFd& memory = tables_[number];
  if (!memory) memory.reset(memfd_create(kTableNames[number], MFD_CLOEXEC));
  const ssize_t written = memory ? pwrite(memory.get(), encoded.bytes.data(), encoded.bytes.size(), 0) : -1;
  if (written != static_cast<ssize_t>(encoded.bytes.size())) {
    if (limit_.pass(parts_.loop.now()))
      log_warning("the sessions cannot be written down for a successor: {}",
                  written < 0 ? std::strerror(errno) : "no memory");
    return false;
  }
  looks_ = 0;
  if (!tables_stored_[number]) tables_stored_[number] = parts_.notifier.store(kTableNames[number], memory.get());
  return tables_stored_[number];
}

void Succession::store_named() {
  if (!tables_stored_[generation_ % tables_.size()]) return;
  for (auto& [id, kept] : kept_) {
    if (kept.stored) continue;
    kept.stored = parts_.notifier.store(kept.name, kept.fd);
    if (!kept.stored) return;  // the rest at the next look
  }
}

void Succession::leave() {
  if (!kept_.empty()) write_table();
  timer_->stop();
}

std::size_t Succession::stored() const {
  return static_cast<std::size_t>(
      std::count_if(kept_.begin(), kept_.end(), [](const auto& kept) { return kept.second.stored; }));
}

}  // namespace sidecar
