#pragma once

// verify_segment() decides, once, whether a record is a segment that every later
// stage may read without looking again: the stock flatbuffers verifier, and then
// a walk of our own.
//
// The stock verifier alone is not enough: flatbuffers may share strings and
// tables, so 64 KB that it accepts can decode to gigabytes. The walk charges what
// the segment decodes to, stops at a bound, and checks the limits of
// sidecar_ipc/protocol.h on the way.
//
// Text that is not UTF-8 is no reason to refuse: the encoders repair it, because
// one bad byte in a tag should not cost a trace.
//
// Pure, allocates nothing; time is linear in the record's size (the verifier) and
// in the bound (the walk).

#include <cstddef>
#include <cstdint>
#include <span>

#include "agents/record.h"

namespace sidecar {

enum class SegmentFault {
  none,
  size,        // too short or too long to be one
  identifier,  // not a segment
  structure,   // the stock verifier refused it
  decoded,     // decodes to too much
  ids,         // trace or segment id missing, ambiguous, not positive, or too long
  spans,       // none, too many, or span ids or enumerations out of range
  times,       // before 1970, negative duration, or an end that is no int64
  tags,        // too many, or a key or value too long
  logs,        // too many, or too many fields
  refs,        // too many, ids missing or ambiguous, or a field too long
  text,        // operation or peer too long
};

const char* to_text(SegmentFault fault);

struct SegmentVerdict {
  SegmentFault fault = SegmentFault::none;
  std::size_t decoded = 0;  // what was charged, at most decoded_limit() of the record
  SegmentId id = {};        // if there is no fault
};

// `record` is size-prefixed and starts at an address that is a multiple of 8.
SegmentVerdict verify_segment(std::span<const std::uint8_t> record);

// What a record of `size` bytes may decode to, in bytes.
std::size_t decoded_limit(std::size_t size);

}  // namespace sidecar
