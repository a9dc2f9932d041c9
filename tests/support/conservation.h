#pragma once

// The law of the ledger, checked by walking: received = delivered + held +
// dropped{reason}, for every session, with `held` counted where it is held.
// Tests of everything that holds records end with it.

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <vector>

#include "agents/record.h"

namespace sidecar {

// Calls its argument for every record held somewhere.
using Walk = std::function<void(const std::function<void(const Record&)>&)>;

// Whether the account of every agent balances with what the walks find.
inline bool is_conserved(const std::vector<AgentPtr>& agents, const std::vector<Walk>& walks) {
  std::map<const Agent*, std::uint64_t> held;
  for (const Walk& walk : walks) walk([&](const Record& record) { ++held[&record.agent()]; });
  for (const AgentPtr& agent : agents)
    if (agent->ledger.counts().owed() != held[agent.get()]) return false;
  return true;
}

#define CHECK_CONSERVATION(agents, ...) CHECK(::sidecar::is_conserved(agents, {__VA_ARGS__}))

}  // namespace sidecar
