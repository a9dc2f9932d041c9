#pragma once

// SegmentEncoder turns verified flatbuffers (ipc-schema/segment.fbs) into the
// protobuf bytes of one SegmentCollection (proto/v3/tracing.proto), without an
// object in between: add() measures, write() writes, both from one list of
// fields. Service and instance come from the session, since a segment cannot name
// them. Times are floored to milliseconds, own ids become "p1.p2.p3", text that is
// not UTF-8 is repaired, proto3 defaults are not written. Secrets stay here, long
// names are cut, peers get their prefix: SegmentRules. Most texts are written from
// the flatbuffer as they are; what is changed is kept from add() to write().
//
// Owner: CollectorV3. Reused; after warm-up nothing is allocated. Not for several
// threads at once. Knows nothing of gRPC.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "uplink/encoding/key_cache.h"
#include "uplink/encoding/plan.h"
#include "uplink/encoding/segment_rules.h"

namespace sidecar::v3 {

class SegmentEncoder {
 public:
  struct Input {
    std::span<const std::uint8_t> bytes;  // a size-prefixed Segment that has been verified
    std::string_view service;
    std::string_view instance;
  };

  static constexpr std::size_t kMaxSegment = encoding::kMaxSegment;

  explicit SegmentEncoder(encoding::SegmentRules rules = {});

  // Makes `segment` the next of the message and measures it. What it refers to must live until write().
  using Added = encoding::Added;
  Added add(const Input& segment, std::size_t max_size);

  // Of the whole message, in bytes.
  std::size_t size() const { return plan_.size; }
  // What was changed in it.
  const SegmentChanges& changes() const { return plan_.changes; }

  // Writes exactly size() bytes.
  void write(std::uint8_t* out) const;

  void clear();

 private:
  const encoding::SegmentRules rules_;
  encoding::KeyCache keys_;
  std::vector<Input> inputs_;
  encoding::Plan plan_;
};

}  // namespace sidecar::v3
