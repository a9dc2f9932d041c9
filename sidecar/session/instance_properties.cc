#include "session/instance_properties.h"

#include <algorithm>
#include <ctime>
#include <string_view>

namespace sidecar {
namespace {

// Local time, as operators read it: "2026-11-24 09:15:02".
std::string to_local_text(std::int64_t microseconds) {
  const std::time_t seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm parts{};
  char text[32];
  if (localtime_r(&seconds, &parts) == nullptr) return {};
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts));
}

}  // namespace

Properties instance_properties(const AgentIdentity& identity, const HostFacts& host, const ContainerFacts& container) {
  const auto given = [&](std::string_view key) {
    return std::any_of(identity.properties.begin(), identity.properties.end(),
                       [&](const auto& property) { return property.first == key; });
  };
  Properties all;
  const auto add = [&](const char* key, std::string value) {
    if (!value.empty() && !given(key)) all.emplace_back(key, std::move(value));
  };
  std::vector<std::string_view> ours = {"language", "ipv4"};
  const auto add_ours = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    all.emplace_back(key, value);
    ours.push_back(key);
  };
  add("OS Name", host.os_name);
  add("hostname", host.hostname);
  for (const std::string& address : host.ipv4s) all.emplace_back("ipv4", address);
  add("Process No.", std::to_string(identity.pid));
  all.emplace_back("language", identity.language);
  if (identity.start_time_us > 0) add("Start Time", to_local_text(identity.start_time_us));
  add("exe", identity.exe);
  add("version", identity.shim_version);
  add_ours("namespace", host.name_space);
  add_ours("cluster", host.cluster);
  add_ours("container.id", container.id);
  add_ours("k8s.pod.uid", container.pod_uid);
  add_ours("cgroup", container.cgroup);
  for (const auto& property : identity.properties)
    if (std::find(ours.begin(), ours.end(), property.first) == ours.end()) all.push_back(property);
  return all;
}

}  // namespace sidecar
