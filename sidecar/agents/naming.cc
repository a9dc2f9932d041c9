#include "agents/naming.h"

#include <fmt/format.h>

#include "base/cut_utf16.h"

namespace sidecar {
namespace {

CutName cut_name(const std::string& text, std::size_t max) {
  const std::string_view kept = cut_utf16(text, max);
  return {std::string(kept), kept.size() < text.size()};
}

std::string or_else(std::string text, const char* fallback) { return text.empty() ? fallback : std::move(text); }

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

}  // namespace

Naming::Naming(const NamingOptions& options, std::string host, std::string ip)
    : host_(or_else(std::move(host), "no-host")), ip_(or_else(std::move(ip), "no-ip")) {
  if (auto made = InstanceTemplate::parse(options.instance)) template_ = std::move(*made);
  if (!options.name_space.empty() || !options.cluster.empty())
    behind_ = fmt::format("|{}|{}", options.name_space, options.cluster);
}

CutName Naming::service(const std::string& said) const {
  CutName name = cut_name(said, kMaxServiceUnits - utf16_units(behind_));
  name.text += behind_;
  return name;
}

CutName Naming::instance(const AgentIdentity& identity, int slot) const {
  const pid_t pid = identity.pid != 0 ? identity.pid : identity.pid_inside;
  PlaceholderValues values;
  const auto value = [&](Placeholder placeholder) -> std::string& {
    return values[static_cast<std::size_t>(placeholder)];
  };
  value(Placeholder::service) = identity.said.service;
  value(Placeholder::host) = host_;
  value(Placeholder::ip) = ip_;
  value(Placeholder::pid) = std::to_string(pid);
  value(Placeholder::uuid) = fmt::format("{:016x}{:016x}", identity.key.uuid_high, identity.key.uuid_low);
  value(Placeholder::exe) = or_else(base_name(identity.exe), "no-exe");
  value(Placeholder::slot) = std::to_string(slot);
  return template_.expand(values, slot == 0 || tells_apart(identity) ? std::string() : fmt::format("#{}", slot));
}

CutName Naming::own_instance(const std::string& said) { return cut_name(said, kMaxInstanceUnits); }

bool Naming::tells_apart(const AgentIdentity& identity) const {
  // A number that is not of our pid namespace is not of one process only.
  return template_.has(Placeholder::slot) || template_.has(Placeholder::uuid) ||
         (template_.has(Placeholder::pid) && identity.pid != 0);
}

}  // namespace sidecar
