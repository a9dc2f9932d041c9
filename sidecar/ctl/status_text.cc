#include "ctl/status_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "ctl/fields.h"

namespace sidecar {
namespace {

using nlohmann::json;

std::string line(const std::string& text, const Terminal& terminal, Tone tone = Tone::plain) {
  return toned(cut(text, terminal.width), tone, terminal) + "\n";
}

std::string or_dash(std::string value) { return value.empty() ? "-" : value; }

std::string daemon_line(const json& status, const Terminal& terminal) {
  const json& daemon = field(status, "daemon");
  return line(fmt::format("sw-sidecar {}, up {}, {} (pid {}, host {})", or_dash(text(status, "version")),
                          duration(daemon, "uptime_ms"), or_dash(text(daemon, "state")), count(daemon, "pid"),
                          or_dash(text(daemon, "host"))),
              terminal, Tone::strong);
}

// Of a list of several: the others, and what is wrong with each.
std::string entries_lines(const json& entries, const Terminal& terminal) {
  std::string out;
  if (!entries.is_array() || entries.size() < 2) return out;
  for (const json& entry : entries) {
    const bool in_use = field(entry, "in_use") == true;
    std::string row = fmt::format("           {} {}", in_use ? "*" : "-", or_dash(text(entry, "address")));
    if (number(entry, "addresses").value_or(0) > 1) row += fmt::format(", {} addresses", count(entry, "addresses"));
    if (number(entry, "rests_ms")) row += ", rests for " + duration(entry, "rests_ms");
    if (const std::string error = text(entry, "last_error", 300); !error.empty()) row += ": " + error;
    out += line(row, terminal, in_use ? Tone::good : Tone::plain);
  }
  return out;
}

std::string collector_lines(const json& collector, const Terminal& terminal) {
  const std::string state = or_dash(text(collector, "state"));
  std::string out = fmt::format("collector  {}  {} for {}", or_dash(text(collector, "address")), state,
                                duration(collector, "since_ms"));
  for (const char* name : {"dialect", "spelling"})
    if (const std::string value = text(collector, name); !value.empty()) out += ", " + value;
  out += fmt::format("; {} calls ok, {} failed", count(collector, "calls_ok"), count(collector, "calls_failed"));
  if (number(collector, "last_ok_ms_ago"))
    out += fmt::format(", last ok {} ago", duration(collector, "last_ok_ms_ago"));
  else
    out += ", none yet";
  out = line(out, terminal,
             state == "up"                        ? Tone::good
             : state == "down" || state == "auth" ? Tone::bad
                                                  : Tone::warning);
  if (const std::string error = text(collector, "last_error", 300); !error.empty())
    out += line("           last error: " + error, terminal);
  const json& problems = field(collector, "problems");
  if (problems.is_array())
    for (const json& problem : problems)
      out += line("           " + text(json{{"text", problem}}, "text", 300), terminal, Tone::bad);
  return out + entries_lines(field(collector, "collectors"), terminal);
}

// "3 (rejected 2, reset 1)"
std::string dropped_cell(const json& ledger) {
  std::string out = count(ledger, "dropped_total");
  std::string why;
  const json& reasons = field(ledger, "dropped");
  if (reasons.is_object())
    for (const auto& [reason, value] : reasons.items())
      if (const auto amount = number(reasons, reason.c_str()).value_or(0); amount > 0)
        why += fmt::format("{}{} {}", why.empty() ? "" : ", ", text(json{{"name", reason}}, "name", 40), amount);
  return why.empty() ? out : fmt::format("{} ({})", out, why);
}

std::string ago(const json& object, const char* name) {
  return number(object, name) ? duration(object, name) + " ago" : "-";
}

std::string processes_cell(const json& instance) {
  const json& sessions = field(instance, "sessions");
  if (!sessions.is_array()) return "-";
  std::size_t connected = 0;
  for (const json& session : sessions) connected += field(session, "connected") == true ? 1 : 0;
  return fmt::format("{}/{}", connected, sessions.size());
}

// In the form that container tools show: 12 digits of the first that is known.
std::string container_cell(const json& instance) {
  const json& sessions = field(instance, "sessions");
  if (!sessions.is_array()) return "";
  for (const json& session : sessions)
    if (const std::string id = text(field(session, "container"), "id"); !id.empty()) return id.substr(0, 12);
  return "";
}

std::string instances_table(const json& instances, const Terminal& terminal) {
  if (!instances.is_array() || instances.empty()) return "no application has connected yet\n";
  std::vector<std::vector<std::string>> rows = {
      {"SERVICE", "INSTANCE", "STATE", "FOR", "CONNECTED", "RECEIVED", "DELIVERED", "HELD", "LAST SEGMENT", "DROPPED"}};
  const bool containers = std::any_of(instances.begin(), instances.end(),
                                      [](const json& instance) { return !container_cell(instance).empty(); });
  if (containers) rows[0].push_back("CONTAINER");
  for (const json& instance : instances) {
    const json& ledger = field(instance, "ledger");
    rows.push_back({or_dash(text(instance, "service")), or_dash(text(instance, "instance")),
                    or_dash(text(instance, "registration")), duration(instance, "registration_ms"),
                    processes_cell(instance), count(ledger, "received"), count(ledger, "delivered"),
                    count(ledger, "held"), ago(instance, "last_segment_ms_ago"), dropped_cell(ledger)});
    if (containers) rows.back().push_back(or_dash(container_cell(instance)));
  }
  return table(rows, {0, 1}, {4, 5, 6, 7, 8}, terminal);
}

std::string totals_line(const json& totals, const Terminal& terminal) {
  return line(fmt::format("segments   {} received = {} delivered + {} held + {} dropped", count(totals, "received"),
                          count(totals, "delivered"), count(totals, "held"), count(totals, "dropped_total")),
              terminal, not_false(totals, "balanced") ? Tone::plain : Tone::bad);
}

// What was changed in delivered segments; nothing if that is nothing.
std::string changed_line(const json& changed, const Terminal& terminal) {
  constexpr std::pair<const char*, const char*> kCounts[] = {{"tags_dropped", "tags dropped"},
                                                             {"tags_masked", "tags masked"},
                                                             {"urls_masked", "URLs masked"},
                                                             {"endpoint_names_cut", "endpoint names cut"},
                                                             {"peers_cut", "peers cut"}};
  std::string out;
  for (const auto& [name, words] : kCounts)
    if (number(changed, name).value_or(0) > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count(changed, name), words);
  return out.empty() ? out : line("changed    " + out, terminal);
}

std::string bytes(const json& object, const char* name) {
  const auto value = number(object, name);
  return value ? human_bytes(*value) : "-";
}

// Those that are quiet are only counted.
std::string channels_lines(const json& channels, const json& carrier, const Terminal& terminal) {
  if (!channels.is_array()) return {};
  std::string out =
      line(fmt::format("queues     {} ({}), {} segments, {} of {}", channels.size(), or_dash(text(carrier, "strategy")),
                       count(carrier, "held"), bytes(carrier, "bytes"), bytes(carrier, "memory")),
           terminal);
  for (const json& channel : channels) {
    const std::string error = text(channel, "last_error", 200);
    const bool busy = number(channel, "records").value_or(0) > 0 || number(channel, "in_flight").value_or(0) > 0;
    if (!busy && number(channel, "attempt").value_or(0) <= 1) continue;
    out += line(fmt::format("           {}: {}/{} waiting (most {}), {} in flight, {}{}", count(channel, "index"),
                            count(channel, "records"), count(channel, "slots"), count(channel, "high_water"),
                            count(channel, "in_flight"), or_dash(text(channel, "state")),
                            error.empty() ? "" : fmt::format(", try {}: {}", count(channel, "attempt"), error)),
                terminal);
  }
  return out;
}

}  // namespace

std::string status_text(const json& status, const Terminal& terminal) {
  std::string out = daemon_line(status, terminal);
  out += collector_lines(field(status, "collector"), terminal);
  out += totals_line(field(status, "totals"), terminal);
  out += changed_line(field(field(status, "collector"), "changed"), terminal);
  out += channels_lines(field(status, "channels"), field(status, "carrier"), terminal);
  out += "\n" + instances_table(field(status, "instances"), terminal);
  const std::vector<std::string> wrong = warnings(status);
  if (!wrong.empty()) out += "\n";
  // Not cut: whoever reads it has to act on it.
  for (const std::string& warning : wrong) out += toned("warning: " + warning, Tone::warning, terminal) + "\n";
  return out;
}

}  // namespace sidecar
