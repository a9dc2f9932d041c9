// Contents of /proc/PID/cgroup: whatever a container calls its cgroups, what comes out is
// bounded, fit to be shown and has the form that it is said to have.

#include <string_view>

#include "session/container_facts.h"
#include "shown_text.h"

using sidecar::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sidecar::ContainerFacts facts = sidecar::parse_cgroup(text);
  require(facts.id.empty() || facts.id.size() == 64);
  require(facts.id.find_first_not_of("0123456789abcdef") == std::string::npos);
  require(text.find(facts.id) != std::string_view::npos);
  require(facts.pod_uid.empty() || facts.pod_uid.size() == 36 || facts.pod_uid.size() == 32);
  require(facts.pod_uid.find_first_not_of("0123456789abcdef-") == std::string::npos);
  sidecar::require_shown(facts.cgroup, sidecar::kMaxCgroup);
  require(facts.cgroup != "/" && (facts.id.empty() || !facts.cgroup.empty()));
  return 0;
}
