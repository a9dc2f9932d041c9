#pragma once

// split_records() finds the records of a SEGMENTS payload. Their boundaries are
// the frame's business: if they do not add up, nothing of it can be trusted and
// the connection goes; what is inside a record is segment_verifier's.
//
// Pure; allocates nothing.

#include <sidecar_ipc/protocol.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace sidecar {

using RecordSpans = std::array<std::span<const std::uint8_t>, ipc_protocol::kMaxRecordsPerFrame>;

// The first `count` (at most kMaxRecordsPerFrame) elements are the records, each
// with its size prefix and without its padding. Nothing unless they fill
// `payload` exactly and their padding is zero.
std::optional<RecordSpans> split_records(std::span<const std::uint8_t> payload, unsigned count);

}  // namespace sidecar
