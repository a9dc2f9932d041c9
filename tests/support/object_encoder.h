#pragma once

// The oracle for the segment encoder of generation v3: builds the generated objects
// field by field and lets protobuf write them.

#include <span>

#include "object_texts.h"
#include "v3/tracing.pb.h"

namespace sidecar {

// Fills `out` from a size-prefixed segment.
void build_segment_object(std::span<const std::uint8_t> bytes, const std::string& service, const std::string& instance,
                          ObjectRules& rules, wire::v3::SegmentObject& out);

}  // namespace sidecar
