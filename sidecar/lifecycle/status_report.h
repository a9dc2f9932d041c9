#pragma once

// What the parts of the daemon say of themselves, as the one JSON document behind
// `sidecarctl status --json`. Observed at the moment of asking. Its schema number is
// control/schema.h's, added by the control socket.
//
// Called on the loop thread; everything is only read.

#include <nlohmann/json.hpp>
#include <string>

#include "agents/agent_table.h"
#include "loop/event_loop.h"

namespace sidecar {

class Carrier;
class Collector;
class Pipeline;
class Server;
class SessionManager;

// No more instances than this are listed, those with a registration first, since the document
// is made in one turn of the loop; `instances_left_out` counts the others, `totals` has them all.
inline constexpr std::size_t kMaxListedInstances = 1000;

// The parts that are asked. All outlive the report.
struct StatusSources {
  const EventLoop& loop;
  const AgentTable& agents;
  const Carrier& carrier;
  const Pipeline& pipeline;
  const Collector& collector;
  const SessionManager& sessions;
  const Server& server;
};

// What the daemon knows of itself.
struct DaemonFacts {
  bool draining = false;
  WallTime started_wall{};
  Tick started{};
  std::uint64_t sidecar_epoch = 0;
  std::string host;
  std::string config;
  std::string socket;
  std::size_t stored = 0;     // connections given to the service manager for a successor; it does not confirm
  std::size_t inherited = 0;  // those that were taken over from a predecessor
  std::size_t awaited = 0;    // sessions of a predecessor without one, registered while their processes lived
  bool activated = false;     // the socket was handed over by the service manager
};

nlohmann::json status_report(const StatusSources& sources, const DaemonFacts& daemon);

}  // namespace sidecar
