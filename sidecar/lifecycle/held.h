#pragma once

// What is held, counted by walking the places that hold: carrier and lanes. Never
// computed as a difference, so that a leak shows as one. Pure reading; loop thread.

#include <cstdint>
#include <unordered_map>

#include "agents/agent.h"

namespace sidecar {

class Carrier;
class Pipeline;

class Held {
 public:
  static Held walk(const Carrier& carrier, const Pipeline& pipeline);

  std::uint64_t of(const Agent& agent) const {
    const auto found = counts_.find(&agent);
    return found == counts_.end() ? 0 : found->second;
  }
  std::uint64_t total() const { return total_; }
  // Whether received = delivered + held + dropped for this session.
  bool balances(const Agent& agent) const { return agent.ledger.counts().owed() == of(agent); }

 private:
  std::unordered_map<const Agent*, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace sidecar
