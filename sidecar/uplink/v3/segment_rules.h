#pragma once

// What SegmentEncoder changes in texts. Value type; compiled once from UplinkOptions.

#include <cstddef>
#include <string>

#include "privacy/privacy_rules.h"

namespace sidecar::v3 {

// In UTF-16 units. Java agents send no longer names of operations, collectors cut endpoints there, and those before
// 9.6 lose a segment with one of 1,000. Peers as Java agents cut them.
inline constexpr std::size_t kMaxOperation = 150;
inline constexpr std::size_t kMaxPeer = 200;

struct SegmentRules {
  PrivacyRules privacy;
  std::string peer_prefix;  // of the peers of exit spans
};

}  // namespace sidecar::v3
