#pragma once

// Inputs for tests: valid by default, change one thing.

#include <string>
#include <vector>

#include "agents/record.h"

namespace sidecar {

inline AgentIdentity make_identity(std::string service = "shop", std::string instance = "shop-1",
                                   std::uint64_t epoch = 1) {
  AgentIdentity identity;
  identity.key = AgentKey{0x1111, 0x2222, epoch};
  identity.service = std::move(service);
  identity.instance = std::move(instance);
  identity.pid = 4711;
  return identity;
}

inline AgentPtr make_agent(std::string service = "shop", std::string instance = "shop-1", std::uint64_t epoch = 1) {
  return std::make_shared<Agent>(make_identity(std::move(service), std::move(instance), epoch), 0);
}

// A record of `size` bytes that nobody will decode.
inline Record make_record(const AgentPtr& agent, std::uint64_t seq, std::size_t size = 100, Tick arrived = Tick{}) {
  const std::vector<std::uint8_t> bytes(size, 0);
  return Record(RecordKind::segment, agent, seq, arrived, bytes);
}

}  // namespace sidecar
