#pragma once

// The properties an instance is shown with: what the Java agent sends of a
// process (OS Name, hostname, ipv4, Process No., language, Start Time, version,
// namespace, cluster), its executable, its container, and the program's own. Pure.

#include "agents/agent.h"
#include "session/container_facts.h"
#include "session/host_facts.h"

namespace sidecar {

// Ours first, then the program's own in its order; a program's value replaces
// ours of the same key, except language and ipv4, which the collector reads, and
// where we know them those that are not the program's to say: namespace, cluster,
// container.id, k8s.pod.uid and cgroup.
Properties instance_properties(const AgentIdentity& identity, const HostFacts& host, const ContainerFacts& container);

}  // namespace sidecar
