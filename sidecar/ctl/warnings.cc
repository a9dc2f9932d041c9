#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ctl/fields.h"
#include "ctl/status_text.h"

namespace sidecar {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNamed = 10;  // instances that are named one by one

// "rejected 3, reset 2", "" if nothing.
std::string reasons(const json& counts) {
  std::string out;
  if (!counts.is_object()) return out;
  for (const auto& [reason, value] : counts.items())
    if (number(counts, reason.c_str()).value_or(0) > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", text(json{{"name", reason}}, "name", 40),
                         number(counts, reason.c_str()).value_or(0));
  return out;
}

void check_collector(const json& collector, std::vector<std::string>& out) {
  static const std::set<std::string> kFine = {"up", "idle", ""};
  const std::string state = text(collector, "state");
  const std::string error = text(collector, "last_error", 300);
  const std::string why = error.empty() ? "" : ": " + error;
  const std::string where = text(collector, "address");
  if (state == "auth")
    out.push_back(fmt::format("the collector {} refuses us{}; segments are held", where, why));
  else if (state == "wrong_server")
    out.push_back(fmt::format("{} is no SkyWalking collector{}; check collector.addresses", where, why));
  else if (!kFine.contains(state))
    out.push_back(
        fmt::format("no connection to the collector {} for {}{}", where, duration(collector, "since_ms"), why));
  if (const auto bad = number(collector, "undecodable_answers").value_or(0); bad > 0)
    out.push_back(fmt::format("the collector gave {} answers that cannot be decoded", bad));
}

void check_instance(const json& instance, std::vector<std::string>& out) {
  const std::string name = text(instance, "instance").empty() ? text(instance, "service") : text(instance, "instance");
  if (!not_false(field(instance, "ledger"), "balanced"))
    out.push_back(fmt::format(
        "the account of {} does not balance: received is not delivered + held + dropped; this is a bug of sw-sidecar",
        name));
  if (const std::string error = text(instance, "registration_error", 200);
      !error.empty() && text(instance, "registration") != "live")
    out.push_back(fmt::format("{} is not registered: {}", name, error));
}

// What a shim says it lost, in its counters or frame by frame: the same segments, seen twice.
void check_clients(const json& instances, std::vector<std::string>& out) {
  for (const json& instance : instances) {
    if (!field(instance, "sessions").is_array()) continue;
    std::uint64_t lost = 0;
    for (const json& session : field(instance, "sessions")) {
      const json& client = field(session, "client");
      lost += std::max(number(client, "dropped").value_or(0), number(client, "lost_before").value_or(0));
    }
    if (lost > 0)
      out.push_back(fmt::format("{} says that it lost {} segments itself: its buffer was full, or they were too large",
                                text(instance, "instance"), lost));
  }
}

constexpr std::uint64_t kStalledMs = 10'000;
constexpr unsigned kNearlyFull = 80;  // per cent

// A collector that accepts connections and answers nothing looks well until the first call times out.
void check_flow(const json& status, std::vector<std::string>& out) {
  const json& collector = field(status, "collector");
  const std::uint64_t held = number(field(status, "totals"), "held").value_or(0);
  const auto silent = number(collector, "last_ok_ms_ago").value_or(number(collector, "since_ms").value_or(0));
  if (held > 0 && text(collector, "state") == "up" && silent > kStalledMs)
    out.push_back(
        fmt::format("{} segments are held, and the collector has answered nothing for {} s", held, silent / 1000));
  const json& carrier = field(status, "carrier");
  std::uint64_t fullest = 0;
  if (const auto memory = number(carrier, "memory").value_or(0); memory > 0)
    fullest = number(carrier, "bytes").value_or(0) / std::max<std::uint64_t>(memory / 100, 1);
  if (const json& channels = field(status, "channels"); channels.is_array())
    for (const json& channel : channels)
      if (const auto slots = number(channel, "slots").value_or(0); slots > 0)
        fullest = std::max(fullest, number(channel, "records").value_or(0) / std::max<std::uint64_t>(slots / 100, 1));
  if (fullest >= kNearlyFull)
    out.push_back(fmt::format("the queues are {} % full: the collector takes less than applications send",
                              std::min<std::uint64_t>(fullest, 100)));
}

}  // namespace

std::vector<std::string> warnings(const json& status) {
  std::vector<std::string> out;
  if (text(field(status, "daemon"), "state") == "draining") out.push_back("the daemon is stopping");
  check_collector(field(status, "collector"), out);
  check_flow(status, out);
  if (const auto left_out = number(status, "instances_left_out").value_or(0); left_out > 0)
    out.push_back(fmt::format("{} more instances are not listed", left_out));
  const json& cut = field(status, "names_cut");
  const auto services = number(cut, "service").value_or(0), instances_cut = number(cut, "instance").value_or(0);
  if (services + instances_cut > 0)
    out.push_back(fmt::format(
        "names are longer than the 70 characters that a collector keeps and were cut: of services {} times, of "
        "instances {} times; see `said` in --json",
        services, instances_cut));
  const json& totals = field(status, "totals");
  if (!not_false(totals, "balanced"))
    out.push_back("the account of all segments does not balance; this is a bug of sw-sidecar");
  if (const auto dropped = number(totals, "dropped_total").value_or(0); dropped > 0) {
    const std::string why = reasons(field(totals, "dropped"));
    out.push_back(fmt::format("{} segments were dropped{}", dropped, why.empty() ? "" : ": " + why));
  }
  if (const json& instances = field(status, "instances"); instances.is_array()) {
    std::vector<std::string> named;
    for (const json& instance : instances) check_instance(instance, named);
    check_clients(instances, named);
    for (std::size_t i = 0; i < named.size() && i < kMostNamed; ++i) out.push_back(named[i]);
    if (named.size() > kMostNamed)
      out.push_back(fmt::format("... and {} more of this kind; see --json", named.size() - kMostNamed));
  }
  if (const std::string refused = reasons(field(field(status, "socket"), "refused")); !refused.empty())
    out.push_back("connections of applications were refused: " + refused);
  return out;
}

}  // namespace sidecar
