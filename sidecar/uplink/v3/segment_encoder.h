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
#include <string>
#include <string_view>
#include <vector>

#include "uplink/segment_changes.h"
#include "uplink/v3/key_cache.h"
#include "uplink/v3/segment_rules.h"

namespace sidecar::v3 {

class SegmentEncoder {
 public:
  struct Input {
    std::span<const std::uint8_t> bytes;  // a size-prefixed Segment that has been verified
    std::string_view service;
    std::string_view instance;
  };

  // One segment may not become larger. A verified one decodes to 4 MiB at most, and
  // the repair of broken text at most triples it; what hiding adds to a hostile one (PrivacyRules)
  // may go beyond.
  static constexpr std::size_t kMaxSegment = 16u << 20;

  explicit SegmentEncoder(SegmentRules rules = {});

  // Makes `segment` the next of the message and measures it. `full`: it is not the
  // first and size() would pass `max_size`. `unencodable`: it is no Segment, or larger
  // than kMaxSegment. What it refers to must live until write().
  enum class Added { yes, full, unencodable };
  Added add(const Input& segment, std::size_t max_size);

  // Of the whole message, in bytes.
  std::size_t size() const { return size_; }
  // What was changed in it.
  const SegmentChanges& changes() const { return changes_; }

  // Writes exactly size() bytes.
  void write(std::uint8_t* out) const;

  void clear();

 private:
  const SegmentRules rules_;
  KeyCache keys_;
  std::vector<Input> inputs_;
  std::vector<std::uint32_t> sizes_;  // of what is nested, in the order in which it is written
  std::string changed_;               // the texts that are not written as they came, likewise
  SegmentChanges changes_;
  std::size_t size_ = 0;
};

}  // namespace sidecar::v3
