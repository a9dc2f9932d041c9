#include "session/session_manager.h"

#include <algorithm>

#include "agents/naming.h"
#include "session/instance_properties.h"

namespace sidecar {
namespace {

// After a reconnect, this much time for each instance of the host, so that a
// thousand do not announce themselves at once; a lone one does so immediately.
constexpr Duration kSpreadPerInstance = std::chrono::milliseconds(2);
constexpr Duration kMaxSpread = std::chrono::seconds(5);

}  // namespace

SessionManager::SessionManager(const SessionOptions& options, HostFacts host, EventLoop& loop, Collector& collector,
                               Random& random)
    : options_(options), host_(std::move(host)), loop_(loop), collector_(collector), random_(random) {
  collector_.add_listener(*this);
}

void SessionManager::on_agent_connected(const AgentPtr& agent, ScopedFd process) {
  agent->gone = false;
  const AgentIdentity& identity = agent->identity;
  auto at = sessions_.find(key_of(*agent));
  const bool fresh = at == sessions_.end();
  ContainerFacts container;
  const bool known = !fresh && at->second.members.contains(identity.key);
  if (!known) {
    container = read_container(identity.pid, process.get());
    note_cut_names(identity);
  }
  if (fresh) {
    at = sessions_
             .try_emplace(key_of(*agent), InstanceName{identity.service, identity.instance, identity.layer},
                          instance_properties(identity, host_, container), options_, loop_, collector_, random_)
             .first;
    at->second.shown = identity.key;
  }
  Member& member = at->second.members[identity.key];
  if (!known) member.container = std::move(container);
  member.agent = agent;
  come_back(member);
  member.process = std::make_unique<ProcessWatch>(loop_, std::move(process), [this, agent] { leave(agent); });
  if (fresh && collector_.ready()) at->second.session.on(SessionEvent::collector_ready);
}

void SessionManager::note_cut_names(const AgentIdentity& identity) {
  if (!(identity.service_cut || identity.instance_cut) || !cut_names_.pass(loop_.now())) return;
  if (identity.service_cut)
    log_warning(
        "service {} is longer than the {} characters that a collector keeps; it is {} there ({} more cut names "
        "since the last line)",
        printable(identity.said.service, 256), kMaxServiceUnits, printable(identity.service, 256),
        cut_names_.suppressed());
  else
    log_warning(
        "an instance of {} is called {}: names are cut to the {} characters that a collector keeps ({} more "
        "cut names since the last line)",
        printable(identity.service, 256), printable(identity.instance, 256), kMaxInstanceUnits,
        cut_names_.suppressed());
}

void SessionManager::on_agent_disconnected(const AgentPtr& agent) {
  if (agent->said_bye) return leave(agent);
  const auto at = sessions_.find(key_of(*agent));
  if (at == sessions_.end()) return;
  const auto member = at->second.members.find(agent->identity.key);
  if (member == at->second.members.end()) return;
  go_away(agent, member->second);
}

void SessionManager::go_away(const AgentPtr& agent, Member& member) {
  come_back(member);
  member.grace = loop_.make_timer([this, agent] { leave(agent); });
  member.grace->start(kReconnectGrace);
  member.away = ++last_away_;
  away_.emplace(member.away, agent);
  // Its process may live: the slot stays its own.
  if (away_.size() > max_away_) drop(away_.begin()->second);
}

void SessionManager::come_back(Member& member) {
  member.grace.reset();
  away_.erase(std::exchange(member.away, 0));
}

void SessionManager::leave(const AgentPtr& agent) {
  agent->gone = true;
  drop(agent);
}

void SessionManager::drop(const AgentPtr& leaving) {
  const AgentPtr agent = leaving;  // the argument may live in what is destroyed below
  const auto at = sessions_.find(key_of(*agent));
  if (at == sessions_.end()) return;
  if (const auto member = at->second.members.find(agent->identity.key); member != at->second.members.end()) {
    away_.erase(member->second.away);
    at->second.members.erase(member);
  }
  if (!at->second.members.empty()) {
    // Its number and start time are a dead process's now: those of one that stays.
    if (at->second.shown != agent->identity.key) return;
    const auto& [key, stays] = *at->second.members.begin();
    at->second.shown = key;
    return at->second.session.set_properties(instance_properties(stays.agent->identity, host_, stays.container));
  }
  at->second.session.on(SessionEvent::ended);
  sessions_.erase(at);
}

void SessionManager::on_collector_ready() {
  const Duration spread = sessions_.size() <= 1
                              ? Duration::zero()
                              : std::min<Duration>(kSpreadPerInstance * static_cast<int>(sessions_.size()), kMaxSpread);
  for (auto& [key, session] : sessions_) session.session.on(SessionEvent::collector_ready, spread);
}

void SessionManager::on_collector_lost() {
  for (auto& [key, session] : sessions_) session.session.on(SessionEvent::collector_lost);
}

void SessionManager::stop() {
  sessions_.clear();
  away_.clear();
}

const InstanceSession* SessionManager::find(const Agent& agent) const {
  const auto at = sessions_.find(key_of(agent));
  return at == sessions_.end() ? nullptr : &at->second.session;
}

const ContainerFacts* SessionManager::container_of(const Agent& agent) const {
  const auto at = sessions_.find(key_of(agent));
  if (at == sessions_.end()) return nullptr;
  const auto member = at->second.members.find(agent.identity.key);
  return member == at->second.members.end() ? nullptr : &member->second.container;
}

}  // namespace sidecar
