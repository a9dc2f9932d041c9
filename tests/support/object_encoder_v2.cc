#include "object_encoder_v2.h"

#include <cstdio>
#include <optional>
#include <vector>

#include "uplink/v2/foreign_id.h"

namespace sidecar {
namespace {

using Numbers = std::vector<std::int64_t>;

Numbers numbers_of(const fbs::Id& id) { return {id.p1(), id.p2(), id.p3()}; }

// Three numbers whose usual text is `text`, by asking for every part and printing it again.
std::optional<Numbers> said(const std::string& text) {
  long long a = 0, b = 0, c = 0;
  if (std::sscanf(text.c_str(), "%lld.%lld.%lld", &a, &b, &c) != 3) return std::nullopt;
  if (std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c) != text) return std::nullopt;
  return Numbers{a, b, c};
}

class Builder {
 public:
  Builder(const fbs::Segment& segment, std::int32_t service, std::int32_t instance, v2::KnownIds& known,
          ObjectRules& rules)
      : segment_(segment), service_(service), instance_(instance), known_(known), rules_(rules) {}

  void build(wire::v2::UpstreamSegment& out) {
    add_trace_id(segment_.trace_id(), segment_.trace_id_text());
    for (const fbs::Span* span : *segment_.spans())
      if (span->refs() != nullptr)
        for (const fbs::Ref* ref : *span->refs()) add_trace_id(ref->trace_id(), ref->trace_id_text());
    for (const Numbers& id : trace_ids_) put(id, *out.add_global_trace_ids());

    wire::v2::SegmentObject object;
    put(numbers_of(*segment_.segment_id()), *object.mutable_trace_segment_id());
    object.set_service_id(service_);
    object.set_service_instance_id(instance_);
    object.set_is_size_limited(segment_.size_limited());
    for (const fbs::Span* span : *segment_.spans()) build_span(*span, *object.add_spans());
    out.set_segment(serialize(object));
  }

 private:
  static void put(const Numbers& id, wire::v2::UniqueId& out) {
    for (const std::int64_t part : id) out.add_id_parts(part);
  }

  void add_trace_id(const fbs::Id* id, const flatbuffers::String* text) {
    const std::string foreign = raw_text(text);
    if (foreign.empty() && id == nullptr) return;
    Numbers numbers;
    bool is_mapped = false;
    if (foreign.empty()) {
      numbers = numbers_of(*id);
    } else if (const auto three = said(foreign)) {
      numbers = *three;
    } else {
      numbers = numbers_of(v2::mapped(foreign));
      is_mapped = true;
    }
    for (const Numbers& other : trace_ids_)
      if (other == numbers) return;
    trace_ids_.push_back(numbers);
    if (is_mapped) ++rules_.changes.foreign_ids_mapped;
  }

  void build_span(const fbs::Span& span, wire::v2::SpanObject& out) {
    const bool entry = span.type() == fbs::SpanType::Entry, exit = span.type() == fbs::SpanType::Exit;
    out.set_span_id(span.span_id());
    out.set_parent_span_id(span.parent_span_id());
    out.set_start_time(plain_ms(span.start_us()));
    out.set_end_time(plain_end_ms(span));
    out.set_span_type(static_cast<wire::v2::SpanType>(span.type()));
    if (span.layer() <= 5) out.set_span_layer(static_cast<wire::v2::SpanLayer>(span.layer()));
    out.set_component_id(span.component());
    out.set_is_error(span.error());
    if (span.refs() != nullptr)
      for (const fbs::Ref* ref : *span.refs()) build_ref(*ref, out);
    const std::string operation = rules_.operation(span.operation());
    const std::int32_t operation_id = entry && !operation.empty() ? known_.endpoint(service_, operation) : 0;
    if (operation_id != 0)
      out.set_operation_name_id(operation_id);
    else
      out.set_operation_name(operation);
    const std::string peer = rules_.peer(span.peer(), exit ? rules_.peer_prefix : "");
    const std::int32_t peer_id = exit && !peer.empty() ? known_.address(peer, true) : 0;
    if (peer_id != 0)
      out.set_peer_id(peer_id);
    else if (exit)
      out.set_peer(peer);

    if (span.tags() != nullptr)
      for (const fbs::Tag* tag : *span.tags()) rules_.add_pair(*tag, *out.mutable_tags());
    if (!exit && !raw_text(span.peer()).empty()) add_tag(out, "peer", peer);
    build_originals(span, out);
    if (span.logs() != nullptr)
      for (const fbs::Log* log : *span.logs()) {
        wire::v2::Log& to = *out.add_logs();
        to.set_time(plain_ms(log->time_us()));
        if (log->data() != nullptr)
          for (const fbs::Tag* tag : *log->data()) rules_.add_pair(*tag, *to.mutable_data());
      }
  }

  void build_originals(const fbs::Span& span, wire::v2::SpanObject& out) {
    const std::string trace = raw_text(segment_.trace_id_text());
    if (&span == segment_.spans()->Get(0)) add_original(out, "foreign.trace_id", trace);
    if (span.refs() == nullptr) return;
    for (const fbs::Ref* ref : *span.refs()) {
      const std::string theirs = raw_text(ref->trace_id_text());
      if (theirs != trace) add_original(out, "foreign.trace_id", theirs);
      add_original(out, "foreign.parent_segment_id", raw_text(ref->segment_id_text()));
    }
  }

  static void add_original(wire::v2::SpanObject& out, const char* key, const std::string& id) {
    if (!id.empty() && !said(id)) add_tag(out, key, plain_repair(id));
  }

  static void add_tag(wire::v2::SpanObject& out, const char* key, const std::string& value) {
    wire::v2::KeyStringValuePair& pair = *out.add_tags();
    pair.set_key(key);
    pair.set_value(value);
  }

  void build_ref(const fbs::Ref& ref, wire::v2::SpanObject& span) {
    const bool between_processes = ref.type() == fbs::RefType::CrossProcess;
    std::int32_t parent = between_processes ? 0 : instance_;
    const std::string service = raw_text(ref.parent_service()), name = raw_text(ref.parent_instance());
    if (between_processes && !service.empty() && !name.empty()) parent = known_.instance(service, name);
    if (between_processes && parent == 0 && ref.parent_instance_id() > 0) parent = ref.parent_instance_id();
    const bool has_address = !raw_text(ref.address()).empty() || ref.address_id() > 0;
    if (parent == 0 || (between_processes && !has_address)) {
      ++rules_.changes.references_left_off;
      return;
    }
    wire::v2::SegmentReference& out = *span.add_refs();
    out.set_ref_type(static_cast<wire::v2::RefType>(ref.type()));
    const std::string segment = raw_text(ref.segment_id_text());
    if (const auto three = said(segment)) {
      put(*three, *out.mutable_parent_trace_segment_id());
    } else if (!segment.empty()) {
      put(numbers_of(v2::mapped(segment)), *out.mutable_parent_trace_segment_id());
      ++rules_.changes.foreign_ids_mapped;
    } else if (ref.segment_id() != nullptr) {
      put(numbers_of(*ref.segment_id()), *out.mutable_parent_trace_segment_id());
    }
    out.set_parent_span_id(ref.span_id());
    out.set_parent_service_instance_id(parent);
    out.set_entry_service_instance_id(ref.entry_instance_id() > 0 ? ref.entry_instance_id() : parent);
    if (between_processes) {
      const std::string address = rules_.peer(ref.address(), "");
      const std::int32_t id = raw_text(ref.address()).empty() ? ref.address_id()
                              : address.empty()               ? 0
                                                              : known_.address(address, false);
      if (id != 0)
        out.set_network_address_id(id);
      else
        out.set_network_address(address);
    }
    // An id only where there is no text, be it one of which nothing may be said.
    if (!raw_text(ref.entry_endpoint()).empty())
      out.set_entry_endpoint(rules_.operation(ref.entry_endpoint()));
    else if (ref.entry_endpoint_id() >= -1)
      out.set_entry_endpoint_id(ref.entry_endpoint_id());
    if (!raw_text(ref.parent_endpoint()).empty())
      out.set_parent_endpoint(rules_.operation(ref.parent_endpoint()));
    else if (ref.parent_endpoint_id() >= -1)
      out.set_parent_endpoint_id(ref.parent_endpoint_id());
  }

  const fbs::Segment& segment_;
  const std::int32_t service_, instance_;
  v2::KnownIds& known_;
  ObjectRules& rules_;
  std::vector<Numbers> trace_ids_;
};

}  // namespace

void build_upstream_segment(std::span<const std::uint8_t> bytes, std::int32_t service, std::int32_t instance,
                            v2::KnownIds& known, ObjectRules& rules, wire::v2::UpstreamSegment& out) {
  Builder(*fbs::GetSizePrefixedSegment(bytes.data()), service, instance, known, rules).build(out);
}

}  // namespace sidecar
