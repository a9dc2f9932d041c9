#pragma once

// Naming decides under which names a session is known to everything from here on: the
// ledger, status, collector and, through WELCOME, the headers of the application's own
// calls. What a program said of itself stays in AgentIdentity::said.
//
//   service   name, or name|namespace|cluster when one of the two is set, as the Java
//             agent has it: an empty one keeps its '|'
//   instance  the program's own name, or by the template, {service}@{host}; where that has
//             no {slot}, {pid} or {uuid} to tell two processes apart, #n from the second on
//
// Both are cut to what a collector keeps, since it takes what begins alike for one: of a
// service the program's part, so that namespace and cluster stay.
//
// Owner: AgentTable. Pure.

#include "agents/agent.h"
#include "agents/instance_template.h"
#include "agents/options.h"

namespace sidecar {

// What a collector keeps of a service's name, in UTF-16 units.
inline constexpr std::size_t kMaxServiceUnits = 70;

class Naming {
 public:
  // For {host} and {ip}; empty ones show as no-host and no-ip. `options` have been checked: what the template
  // check refuses is taken for the default.
  Naming(const NamingOptions& options, std::string host, std::string ip);

  CutName service(const std::string& said) const;

  // By what identity.said, its uuid, exe and pids are; {service} is what the program said.
  CutName instance(const AgentIdentity& identity, int slot) const;
  // That of a program that named itself.
  static CutName own_instance(const std::string& said);

 private:
  bool tells_apart(const AgentIdentity& identity) const;

  InstanceTemplate template_;
  std::string behind_;  // the service: "|namespace|cluster"
  std::string host_;
  std::string ip_;
};

}  // namespace sidecar
