#pragma once

// The oracle for segment encoders of generation v3: builds the generated objects
// field by field and lets protobuf write them. Text is repaired and cut by a second,
// plain implementation; what is a secret is asked of the same PrivacyRules.

#include <segment_generated.h>

#include <span>
#include <string>

#include "privacy/privacy_rules.h"
#include "uplink/segment_changes.h"
#include "v3/tracing.pb.h"

namespace sidecar {

// `text` with every maximal broken part replaced by U+FFFD.
std::string plain_repair(const std::string& text);

struct ObjectRules {
  PrivacyRules privacy;
  std::string peer_prefix;
  SegmentChanges changes;  // counted here
};

// Fills `out` from a size-prefixed segment.
void build_segment_object(std::span<const std::uint8_t> bytes, const std::string& service, const std::string& instance,
                          ObjectRules& rules, wire::v3::SegmentObject& out);

// Fields in the order of their numbers, as protobuf writes them deterministically.
std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace sidecar
