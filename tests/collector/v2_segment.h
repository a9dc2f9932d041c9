#pragma once

// A segment of generation v2 for tests: an entry span, and what is added to it.

#include <string>

#include "v2/tracing.pb.h"

namespace sidecar {

// Trace 1.2.`number`, segment the same.
struct V2Segment {
  V2Segment(std::int64_t number, int service, int instance, const std::string& operation) {
    set(*trace.add_global_trace_ids(), number);
    set(*segment.mutable_trace_segment_id(), number);
    segment.set_service_id(service);
    segment.set_service_instance_id(instance);
    entry = segment.add_spans();
    entry->set_parent_span_id(-1);
    entry->set_operation_name(operation);
  }
  V2Segment(const V2Segment&) = delete;
  V2Segment& operator=(const V2Segment&) = delete;

  wire::v2::SpanObject& add_exit(const std::string& peer, int peer_id = 0) {
    wire::v2::SpanObject& exit = *segment.add_spans();
    exit.set_span_id(segment.spans_size() - 1);
    exit.set_span_type(wire::v2::EXIT);
    exit.set_operation_name("/out");
    exit.set_peer(peer);
    exit.set_peer_id(peer_id);
    return exit;
  }
  // From span 1 of segment 1.2.`number`.
  wire::v2::SegmentReference& add_reference(std::int64_t number, int instance, const std::string& address,
                                            const std::string& endpoint) {
    wire::v2::SegmentReference& ref = *entry->add_refs();
    set(*ref.mutable_parent_trace_segment_id(), number);
    ref.set_parent_span_id(1);
    ref.set_parent_service_instance_id(instance);
    ref.set_entry_service_instance_id(instance);
    ref.set_network_address(address);
    ref.set_entry_endpoint(endpoint);
    ref.set_parent_endpoint(endpoint);
    return ref;
  }
  wire::v2::UpstreamSegment message() const {
    wire::v2::UpstreamSegment made = trace;
    made.set_segment(segment.SerializeAsString());
    return made;
  }
  std::string bytes() const { return message().SerializeAsString(); }

  wire::v2::UpstreamSegment trace;
  wire::v2::SegmentObject segment;
  wire::v2::SpanObject* entry;

 private:
  static void set(wire::v2::UniqueId& id, std::int64_t number) {
    for (const std::int64_t part : {std::int64_t{1}, std::int64_t{2}, number}) id.add_id_parts(part);
  }
};

}  // namespace sidecar
