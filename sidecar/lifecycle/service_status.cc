#include "lifecycle/service_status.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <set>
#include <utility>

#include "carrier/carrier.h"
#include "pipeline/pipeline.h"
#include "uplink/collector.h"

namespace sidecar {
namespace {

// 1,204,332
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::size_t connected_instances(const AgentTable& agents) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  agents.for_each([&names](const AgentPtr& agent) {
    if (agent->connected) names.emplace(agent->identity.service, agent->identity.instance);
  });
  return names.size();
}

std::string head(const CollectorStatus& collector, const StatusSources& sources, const DaemonFacts& daemon) {
  if (daemon.draining) return "stopping";
  const auto since = [&] {
    const auto wall =
        sources.loop.wall_now() - std::chrono::duration_cast<WallTime::duration>(sources.loop.now() - collector.since);
    return fmt::format(
        "{:%Y-%m-%d %H:%M:%S} UTC",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::seconds>(wall))));
  };
  switch (collector.state) {
    case CollectorState::up:
      return "up";
    case CollectorState::idle:
    case CollectorState::connecting:
      return fmt::format("connecting to collector {}", collector.address);
    case CollectorState::down:
      return fmt::format("collector {} away since {}", collector.address, since());
    case CollectorState::auth:
      return fmt::format("collector {} refuses us since {}", collector.address, since());
    case CollectorState::wrong_server:
      return fmt::format("{} is no SkyWalking collector, seen {}", collector.address, since());
  }
  return {};
}

}  // namespace

std::string service_status(const StatusSources& sources, const DaemonFacts& daemon) {
  const CollectorStatus collector = sources.collector.status();
  const LedgerCounts totals = sources.agents.totals();
  const std::size_t instances = connected_instances(sources.agents);
  const std::size_t held = sources.carrier.held() + sources.pipeline.held();
  const bool flows = collector.state == CollectorState::up && !daemon.draining;
  return fmt::format("{}: {} instance{}, {}, {} dropped", head(collector, sources, daemon), grouped(instances),
                     instances == 1 ? "" : "s",
                     flows ? grouped(totals.delivered) + " delivered" : grouped(held) + " held",
                     grouped(totals.dropped_total()));
}

}  // namespace sidecar
