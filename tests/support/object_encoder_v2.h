#pragma once

// The oracle for the segment encoder of generation v2: builds the generated objects
// field by field and lets protobuf write them. Ids are asked of the same KnownIds; the hash of
// foreign ids is the encoder's own.

#include <span>

#include "object_texts.h"
#include "uplink/v2/known_ids.h"
#include "v2/tracing.pb.h"

namespace sidecar {

// Fills `out` and the segment within from a size-prefixed segment.
void build_upstream_segment(std::span<const std::uint8_t> bytes, std::int32_t service, std::int32_t instance,
                            v2::KnownIds& known, ObjectRules& rules, wire::v2::UpstreamSegment& out);

}  // namespace sidecar
