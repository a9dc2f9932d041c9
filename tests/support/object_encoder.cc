#include "object_encoder.h"

namespace sidecar {
namespace {

std::string text_of(const flatbuffers::String* text) { return plain_repair(raw_text(text)); }

std::string id_of(const fbs::Id* id, const flatbuffers::String* text) {
  if (text != nullptr) return text_of(text);
  if (id == nullptr) return "";
  return std::to_string(id->p1()) + "." + std::to_string(id->p2()) + "." + std::to_string(id->p3());
}

void build_ref(const fbs::Ref& ref, ObjectRules& rules, wire::v3::SegmentReference& out) {
  out.set_ref_type(static_cast<wire::v3::RefType>(ref.type()));
  out.set_trace_id(id_of(ref.trace_id(), ref.trace_id_text()));
  out.set_parent_trace_segment_id(id_of(ref.segment_id(), ref.segment_id_text()));
  out.set_parent_span_id(ref.span_id());
  out.set_parent_service(text_of(ref.parent_service()));
  out.set_parent_service_instance(text_of(ref.parent_instance()));
  out.set_parent_endpoint(rules.operation(ref.parent_endpoint()));
  out.set_network_address_used_at_peer(rules.peer(ref.address(), ""));
}

void build_span(const fbs::Span& span, ObjectRules& rules, wire::v3::SpanObject& out) {
  out.set_span_id(span.span_id());
  out.set_parent_span_id(span.parent_span_id());
  out.set_start_time(plain_ms(span.start_us()));
  out.set_end_time(plain_end_ms(span));
  out.set_span_type(static_cast<wire::v3::SpanType>(span.type()));
  out.set_span_layer(static_cast<wire::v3::SpanLayer>(span.layer()));
  out.set_component_id(span.component());
  out.set_is_error(span.error());
  out.set_operation_name(rules.operation(span.operation()));
  out.set_peer(rules.peer(span.peer(), span.type() == fbs::SpanType::Exit ? rules.peer_prefix : ""));
  out.set_skip_analysis(span.skip_analysis());
  if (span.tags() != nullptr)
    for (const fbs::Tag* tag : *span.tags()) rules.add_pair(*tag, *out.mutable_tags());
  if (span.logs() != nullptr)
    for (const fbs::Log* log : *span.logs()) {
      wire::v3::Log& to = *out.add_logs();
      to.set_time(plain_ms(log->time_us()));
      if (log->data() != nullptr)
        for (const fbs::Tag* tag : *log->data()) rules.add_pair(*tag, *to.mutable_data());
    }
  if (span.refs() != nullptr)
    for (const fbs::Ref* ref : *span.refs()) build_ref(*ref, rules, *out.add_refs());
}

}  // namespace

void build_segment_object(std::span<const std::uint8_t> bytes, const std::string& service, const std::string& instance,
                          ObjectRules& rules, wire::v3::SegmentObject& out) {
  const fbs::Segment& segment = *fbs::GetSizePrefixedSegment(bytes.data());
  out.set_trace_id(id_of(segment.trace_id(), segment.trace_id_text()));
  out.set_trace_segment_id(id_of(segment.segment_id(), nullptr));
  out.set_service(plain_repair(service));
  out.set_service_instance(plain_repair(instance));
  out.set_is_size_limited(segment.size_limited());
  for (const fbs::Span* span : *segment.spans()) build_span(*span, rules, *out.add_spans());
}

}  // namespace sidecar
