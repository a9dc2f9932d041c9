#pragma once

// The oracle for segment encoders of generation v3: builds the generated objects
// field by field and lets protobuf write them. Text is repaired by a second,
// plain implementation.

#include <segment_generated.h>

#include <span>
#include <string>

#include "v3/tracing.pb.h"

namespace sidecar {

// `text` with every maximal broken part replaced by U+FFFD.
std::string plain_repair(const std::string& text);

// Fills `out` from a size-prefixed segment.
void build_segment_object(std::span<const std::uint8_t> bytes, const std::string& service, const std::string& instance,
                          wire::v3::SegmentObject& out);

// Fields in the order of their numbers, as protobuf writes them deterministically.
std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace sidecar
