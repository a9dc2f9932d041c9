#pragma once

// SessionManager keeps every instance of the host registered for exactly as long
// as it lives. Several agents (shared objects, reconnects) may be one instance;
// it ends when the last of them has said BYE or its process has died. A lost
// connection alone is no evidence: a process whose connection was closed under it
// is given kReconnectGrace to come back.
//
// Owner: Daemon. Thread: loop.

#include <algorithm>
#include <map>
#include <utility>

#include "agents/ports.h"
#include "log/log.h"
#include "session/container_facts.h"
#include "session/host_facts.h"
#include "session/instance_session.h"
#include "session/process_watch.h"

namespace sidecar {

class SessionManager final : public AgentListener, public CollectorListener {
 public:
  // The references outlive the manager. Registers itself with `collector`.
  SessionManager(const SessionOptions& options, HostFacts host, EventLoop& loop, Collector& collector, Random& random);

  static constexpr Duration kReconnectGrace = std::chrono::seconds(30);
  // So many agents may be within it, each with a session and a descriptor; beyond that the session
  // of the one away the longest ends. Enough for all to reconnect after a pause of this daemon on most
  // hosts; and a client that comes and goes under new names costs no more than this.
  static constexpr std::size_t kMaxAway = 1024;

  // AgentListener
  void on_agent_connected(const AgentPtr& agent, ScopedFd process) override;
  void on_agent_disconnected(const AgentPtr& agent) override;

  // CollectorListener
  void on_collector_ready() override;
  void on_collector_lost() override;

  // Each one that is waited for keeps a descriptor: where those are few, fewer are waited for than kMaxAway.
  void set_max_away(std::size_t sessions) { max_away_ = std::min(sessions, kMaxAway); }

  // Ends every session: no beat goes out any more.
  void stop();

  // The session that `agent` belongs to, or null when it has ended.
  const InstanceSession* find(const Agent& agent) const;
  // Where the process of `agent` runs, as it was when it first connected; null when its session has ended.
  const ContainerFacts* container_of(const Agent& agent) const;
  std::size_t size() const { return sessions_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  // service, instance
  struct Member {
    AgentPtr agent;
    ContainerFacts container;
    std::unique_ptr<ProcessWatch> process;
    std::unique_ptr<Timer> grace;  // armed while disconnected
    std::uint64_t away = 0;        // in away_, 0: connected
  };
  struct Session {
    template <class... Args>
    explicit Session(Args&&... args) : session(std::forward<Args>(args)...) {}
    InstanceSession session;
    AgentKey shown;  // the member whose properties the instance is shown with
    std::map<AgentKey, Member> members;
  };

  static Key key_of(const Agent& agent) { return {agent.identity.service, agent.identity.instance}; }
  // The agent's process has ended.
  void leave(const AgentPtr& agent);
  // It is waited for no longer.
  void drop(const AgentPtr& agent);
  void go_away(const AgentPtr& agent, Member& member);
  void come_back(Member& member);
  void note_cut_names(const AgentIdentity& identity);

  const SessionOptions options_;
  const HostFacts host_;
  EventLoop& loop_;
  Collector& collector_;
  Random& random_;
  std::size_t max_away_ = kMaxAway;
  std::map<Key, Session> sessions_;
  std::map<std::uint64_t, AgentPtr> away_;  // disconnected and within the grace, in the order of leaving
  std::uint64_t last_away_ = 0;
  LogLimit cut_names_;
};

}  // namespace sidecar
