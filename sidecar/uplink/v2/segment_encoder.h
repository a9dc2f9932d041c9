#pragma once

// SegmentEncoder turns verified flatbuffers (ipc-schema/segment.fbs) into the protobuf bytes of UpstreamSegments
// (proto/v2/tracing.proto), as v3's does into its own: measured and written from one list of fields, nothing in
// between. Ids of service and instance come from the registration. Operations of entry spans and peers of exit spans
// are ids where KnownIds has them and names where not. What else is other than in v3:
//
//   trace ids      a list, the references' too; three numbers: foreign text is mapped, the text kept in a tag
//   references     need the ids of the parent's and of the first instance, between processes an address too: 7.0
//                  drops the whole segment otherwise. Completed from the header's names where this host knows the
//                  instance; of another thread: our own. What cannot be completed is left off and counted.
//   peers          of entry and local spans become a tag: collectors make a service of every peer they see
//   layers         above 5 are unknown here, and would make the collector throw
//   skip_analysis  cannot be said
//
// Owner: CollectorV2. Reused; after warm-up nothing is allocated. Not for several threads at once. Knows nothing of
// gRPC.

#include <segment_generated.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "uplink/encoding/key_cache.h"
#include "uplink/encoding/plan.h"
#include "uplink/encoding/segment_rules.h"
#include "uplink/v2/known_ids.h"

namespace sidecar::v2 {

class SegmentEncoder {
 public:
  struct Input {
    std::span<const std::uint8_t> bytes;  // a size-prefixed Segment that has been verified
    std::int32_t service_id;              // both positive, of the registration in force
    std::int32_t instance_id;
  };

  // Names of the tags that keep what the generation cannot carry.
  static constexpr std::string_view kTraceIdTag = "foreign.trace_id";
  static constexpr std::string_view kParentSegmentTag = "foreign.parent_segment_id";
  static constexpr std::string_view kPeerTag = "peer";

  // `known` outlives the encoder.
  SegmentEncoder(encoding::SegmentRules rules, KnownIds& known);

  // Plans `segment` as the next and measures it. What it refers to must live until write(). Ids are looked up here.
  using Added = encoding::Added;
  Added add(const Input& segment, std::size_t max_size);

  // Of all messages, in bytes.
  std::size_t size() const { return plan_.size; }
  // What was changed in them.
  const SegmentChanges& changes() const { return plan_.changes; }
  // Peers of exit spans in them without an id: 6.0 stores such a segment only when others follow it.
  std::size_t peers_by_name() const { return peers_by_name_; }

  // Writes exactly size() bytes: each UpstreamSegment as field 1 of one message, from which v3::cut() cuts those of the
  // stream.
  void write(std::uint8_t* out) const;

  void clear();

 private:
  const encoding::SegmentRules rules_;
  KnownIds& known_;
  encoding::KeyCache keys_;
  std::vector<Input> inputs_;
  encoding::Plan plan_;
  std::vector<fbs::Id> ids_;  // of the plan as well, see passes.h
  std::size_t peers_by_name_ = 0;
};

}  // namespace sidecar::v2
