#include <fmt/format.h>

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

void check_clients(const json& instances, std::vector<std::string>& out) {
  std::uint64_t dropped = 0;
  std::uint64_t lost = 0;
  for (const json& instance : instances) {
    if (!field(instance, "sessions").is_array()) continue;
    for (const json& session : field(instance, "sessions")) {
      dropped += number(field(session, "client"), "dropped").value_or(0);
      lost += number(field(session, "client"), "lost_before").value_or(0);
    }
  }
  if (dropped > 0)
    out.push_back(fmt::format(
        "applications dropped {} segments themselves: their buffers were full, or the segments too large", dropped));
  if (lost > 0)
    out.push_back(fmt::format("{} segments were lost in applications before they reached this sidecar", lost));
}

}  // namespace

std::vector<std::string> warnings(const json& status) {
  std::vector<std::string> out;
  if (text(field(status, "daemon"), "state") == "draining") out.push_back("the daemon is stopping");
  check_collector(field(status, "collector"), out);
  if (const auto left_out = number(status, "instances_left_out").value_or(0); left_out > 0)
    out.push_back(fmt::format("{} more instances are not listed", left_out));
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
    for (std::size_t i = 0; i < named.size() && i < kMostNamed; ++i) out.push_back(named[i]);
    if (named.size() > kMostNamed)
      out.push_back(fmt::format("... and {} more of this kind; see --json", named.size() - kMostNamed));
    check_clients(instances, out);
  }
  if (const std::string refused = reasons(field(field(status, "socket"), "refused")); !refused.empty())
    out.push_back("connections of applications were refused: " + refused);
  return out;
}

}  // namespace sidecar
