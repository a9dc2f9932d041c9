#include "lifecycle/status_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "base/version.h"
#include "carrier/carrier.h"
#include "ipc/server.h"
#include "lifecycle/held.h"
#include "pipeline/pipeline.h"
#include "session/session_manager.h"
#include "uplink/collector.h"

namespace sidecar {
namespace {

using nlohmann::json;

std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// Null stands for "never".
json ago(Tick then, Tick now) { return then == Tick{} ? json() : json(to_ms(now - then)); }

json ledger_of(const LedgerCounts& counts, std::uint64_t held, bool balanced) {
  json dropped = json::object();
  for (std::size_t i = 0; i < kDropReasons; ++i) dropped[std::string(kDropReasonNames[i])] = counts.dropped[i];
  return {{"received", counts.received},
          {"delivered", counts.delivered},
          {"held", held},
          {"dropped", dropped},
          {"dropped_total", counts.dropped_total()},
          {"duplicate", counts.duplicate},
          {"resent", counts.resent},
          {"balanced", balanced}};
}

json daemon_part(const DaemonFacts& daemon, Tick now) {
  const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(daemon.started_wall);
  return {{"state", daemon.draining ? "draining" : "serving"},
          {"pid", getpid()},
          {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)))},
          {"uptime_ms", to_ms(now - daemon.started)},
          {"sidecar_epoch", fmt::format("{:016x}", daemon.sidecar_epoch)},
          {"host", daemon.host},
          {"config", daemon.config},
          {"socket", daemon.socket},
          {"activated", daemon.activated}};
}

json changes_part(const SegmentChanges& changes) {
  return {{"tags_dropped", changes.tags_dropped},
          {"tags_masked", changes.tags_masked},
          {"urls_masked", changes.urls_masked},
          {"endpoint_names_cut", changes.endpoint_names_cut},
          {"peers_cut", changes.peers_cut}};
}

json collectors_part(const CollectorStatus& status, Tick now) {
  json list = json::array();
  for (const CollectorEntry& entry : status.collectors)
    list.push_back({{"address", entry.address},
                    {"in_use", entry.in_use},
                    {"addresses", entry.addresses},
                    {"resting", entry.resting},
                    {"rests_ms", entry.rests_until > now ? json(to_ms(entry.rests_until - now)) : json()},
                    {"last_error", entry.last_error}});
  return list;
}

json collector_part(const CollectorStatus& status, Tick now) {
  return {{"collectors", collectors_part(status, now)},
          {"problems", status.problems},
          {"state", to_text(status.state)},
          {"address", status.address},
          {"dialect", status.dialect},
          {"spelling", status.spelling},
          {"since_ms", to_ms(now - status.since)},
          {"last_error", status.last_error},
          {"last_ok_ms_ago", ago(status.last_ok, now)},
          {"calls_ok", status.calls_ok},
          {"calls_failed", status.calls_failed},
          {"connects", status.connects},
          {"undecodable_answers", status.undecodable_answers},
          {"changed", changes_part(status.changes)}};
}

// Empty where there is none, or it cannot be told.
json container_part(const ContainerFacts* facts) {
  const ContainerFacts none;
  const ContainerFacts& told = facts == nullptr ? none : *facts;
  return {{"id", told.id}, {"pod_uid", told.pod_uid}, {"cgroup", told.cgroup}};
}

json session_part(const Agent& agent, const ContainerFacts* container, const Held& held, Tick now) {
  const AgentIdentity& who = agent.identity;
  return {{"pid", who.pid},
          {"uid", who.uid},
          {"exe", who.exe},
          {"language", who.language},
          {"shim_version", who.shim_version},
          {"said", {{"service", who.said.service}, {"instance", who.said.instance}}},
          {"container", container_part(container)},
          {"connected", agent.connected},
          {"age_ms", to_ms(now - agent.connected_at)},
          {"accepted", agent.ledger.accepted()},
          {"settled", agent.ledger.settled()},
          {"client",
           {{"created", agent.client.created},
            {"dropped", agent.client.dropped},
            {"lost_before", agent.client.lost_before},
            {"waiting", agent.client.waiting},
            {"blocked", agent.client.blocked}}},
          {"ledger", ledger_of(agent.ledger.counts(), held.of(agent), held.balances(agent))}};
}

// Sessions of one (service, instance) are one instance, whose ledger is their sum.
json instance_part(const std::vector<const Agent*>& agents, const StatusSources& sources, const Held& held, Tick now) {
  LedgerCounts sum;
  std::uint64_t held_sum = 0;
  bool balanced = true;
  Tick last{};
  json sessions = json::array();
  for (const Agent* agent : agents) {
    sum += agent->ledger.counts();
    held_sum += held.of(*agent);
    balanced = balanced && held.balances(*agent);
    last = std::max(last, agent->last_record_at);
    sessions.push_back(session_part(*agent, sources.sessions.container_of(*agent), held, now));
  }
  const AgentIdentity& who = agents.front()->identity;
  const InstanceSession* session = sources.sessions.find(*agents.front());
  return {{"service", who.service},
          {"instance", who.instance},
          {"layer", who.layer},
          {"registration", to_text(session == nullptr ? SessionState::ended : session->state())},
          {"registration_ms", session == nullptr ? json() : json(to_ms(now - session->since()))},
          {"registration_error", session == nullptr ? "" : session->last_error()},
          {"last_segment_ms_ago", ago(last, now)},
          {"ledger", ledger_of(sum, held_sum, balanced)},
          {"sessions", std::move(sessions)}};
}

void add_instances(json& report, const StatusSources& sources, const Held& held, Tick now) {
  std::map<std::pair<std::string, std::string>, std::vector<const Agent*>> grouped;
  sources.agents.for_each([&](const AgentPtr& agent) {
    grouped[{agent->identity.service, agent->identity.instance}].push_back(agent.get());
  });
  json list = json::array();
  for (const bool registered : {true, false})
    for (const auto& [name, agents] : grouped)
      if ((sources.sessions.find(*agents.front()) != nullptr) == registered && list.size() < kMaxListedInstances)
        list.push_back(instance_part(agents, sources, held, now));
  report["instances_left_out"] = grouped.size() - list.size();
  report["instances"] = std::move(list);
}

json channels_part(const StatusSources& sources) {
  json list = json::array();
  for (const LaneStatus& lane : sources.pipeline.status()) {
    const Channel& channel = sources.carrier.channel(lane.channel);
    list.push_back({{"index", lane.channel},
                    {"records", channel.size()},
                    {"slots", channel.slots()},
                    {"bytes", channel.bytes()},
                    {"high_water", channel.high_water()},
                    {"in_flight", lane.records},
                    {"state", to_text(lane.state)},
                    {"batches", lane.batches},
                    {"segments", lane.segments},
                    {"attempt", lane.attempt},
                    {"last_error", lane.last_error}});
  }
  return list;
}

json carrier_part(const Carrier& carrier) {
  return {{"held", carrier.held()},
          {"bytes", carrier.held_bytes()},
          {"memory", carrier.options().memory},
          {"strategy", to_text(carrier.options().strategy)}};
}

json socket_part(const IpcStatus& status) {
  const IpcCounters& seen = status.counters;
  json refused = json::object();
  for (std::size_t i = 0; i < kRejectCodes; ++i)
    if (seen.refused[i] > 0) refused[std::string(kRejectCodeNames[i])] = seen.refused[i];
  return {{"connections", status.connections},
          {"unhelloed", status.unhelloed},
          {"blocked", status.blocked},
          {"max_connections", status.max_connections},
          {"max_per_user", status.max_per_user},
          {"interval_ms", std::chrono::duration_cast<std::chrono::milliseconds>(status.interval).count()},
          {"idle", status.idle},
          {"accepted", seen.accepted},
          {"welcomed", seen.welcomed},
          {"refused", refused},
          {"frames", seen.frames},
          {"bytes", seen.bytes},
          {"skipped_frames", seen.skipped_frames},
          {"bad_records", seen.bad_records},
          {"closed_descriptors", seen.closed_descriptors},
          {"unsent", seen.unsent},
          {"no_page", seen.no_page},
          {"paused_accepts", seen.paused_accepts},
          {"evicted", seen.evicted}};
}

}  // namespace

json status_report(const StatusSources& sources, const DaemonFacts& daemon) {
  const Tick now = sources.loop.now();
  const Held held = Held::walk(sources.carrier, sources.pipeline);
  const LedgerCounts totals = sources.agents.totals();
  json report = {
      {"version", kVersion},
      {"daemon", daemon_part(daemon, now)},
      {"collector", collector_part(sources.collector.status(), now)},
      {"totals", ledger_of(totals, held.total(), totals.owed() == held.total())},
      {"names_cut", {{"service", sources.agents.services_cut()}, {"instance", sources.agents.instances_cut()}}},
      {"channels", channels_part(sources)},
      {"carrier", carrier_part(sources.carrier)},
      {"socket", socket_part(sources.server.status())}};
  add_instances(report, sources, held, now);
  return report;
}

}  // namespace sidecar
