#include "v2_segments.h"

#include <algorithm>
#include <utility>

namespace sidecar {
namespace {

constexpr const char* kWaits = "an endpoint of its parent is not registered";
constexpr const char* kDomain = "{domain}";  // the name of an endpoint without one

bool is_from_user(const wire::v3::SegmentObject& segment) {
  const auto enters = [](const auto& span) { return span.span_type() == wire::v3::ENTRY && span.refs().empty(); };
  const auto leaves = [](const auto& span) { return span.span_type() == wire::v3::EXIT; };
  return std::any_of(segment.spans().begin(), segment.spans().end(), enters) &&
         std::any_of(segment.spans().begin(), segment.spans().end(), leaves);
}

template <class From, class To>
void copy_pairs(const From& from, To& to) {
  for (const auto& pair : from) {
    auto& copy = *to.Add();
    copy.set_key(pair.key());
    copy.set_value(pair.value());
  }
}

}  // namespace

std::string text_of(const wire::v2::UniqueId& id) {
  std::string text;
  for (const std::int64_t part : id.id_parts()) text += (text.empty() ? "" : ".") + std::to_string(part);
  return text;
}

void V2Segments::take(const wire::v2::UpstreamSegment& segment) {
  store(segment);
  retry();
}

void V2Segments::retry() {
  // What is stored may register the endpoint that another waits for.
  while (!waiting_.empty() && registry_.endpoints() != seen_endpoints_) {
    seen_endpoints_ = registry_.endpoints();
    for (const auto& segment : std::exchange(waiting_, {})) store(segment);
  }
}

void V2Segments::clear() {
  waiting_.clear();
  seen_endpoints_ = 0;
}

void V2Segments::store(const wire::v2::UpstreamSegment& segment) {
  wire::v3::SegmentObject out;
  const Trouble trouble = convert(segment, out);
  if (trouble.empty()) {
    store_.add(out);
    // In the recordings the user takes a number of services and instances by the time of the first segment that came
    // from outside and went on, and none for one that only came from outside.
    if (is_from_user(out)) registry_.make_user();
  } else if (trouble == kWaits && waiting_.size() < kMaxWaiting) {
    waiting_.push_back(segment);
  } else {
    store_.count_drop(trouble);
  }
}

// Names are registered before the check of what they belong to, as the real ones do: they get ids all the same.
V2Segments::Trouble V2Segments::convert(const wire::v2::UpstreamSegment& upstream, wire::v3::SegmentObject& out) {
  wire::v2::SegmentObject in;
  if (!in.ParseFromString(upstream.segment())) return "no segment";
  const V2Instance* instance = registry_.instance(in.service_instance_id());
  if (instance == nullptr && rules_.instance_first) return "unknown instance";
  Trouble trouble;
  for (const auto& span : in.spans()) {
    const Trouble of_span = convert(span, in.service_id(), *out.add_spans());
    if (trouble.empty()) trouble = of_span;
  }
  const std::string* service = registry_.service(in.service_id());
  if (instance == nullptr) return "unknown instance";
  if (service == nullptr) return "unknown service";
  if (!trouble.empty()) return trouble;
  out.set_service(*service);
  out.set_service_instance(instance->name);
  if (!upstream.global_trace_ids().empty()) out.set_trace_id(text_of(upstream.global_trace_ids(0)));
  out.set_trace_segment_id(text_of(in.trace_segment_id()));
  out.set_is_size_limited(in.is_size_limited());
  for (auto& span : *out.mutable_spans())
    for (auto& ref : *span.mutable_refs()) ref.set_trace_id(out.trace_id());
  return "";
}

V2Segments::Trouble V2Segments::convert(const wire::v2::SpanObject& span, int service, wire::v3::SpanObject& out) {
  Trouble trouble = name_of_address(span.peer_id(), span.peer(), *out.mutable_peer());
  for (const auto& ref : span.refs()) {
    const Trouble of_ref = convert(ref, span.span_type() == wire::v2::ENTRY, *out.add_refs());
    if (trouble.empty()) trouble = of_ref;
  }
  const Trouble of_name = name_of_operation(span, service, *out.mutable_operation_name());
  out.set_span_id(span.span_id());
  out.set_parent_span_id(span.parent_span_id());
  out.set_start_time(span.start_time());
  out.set_end_time(span.end_time());
  out.set_span_type(static_cast<wire::v3::SpanType>(span.span_type()));
  out.set_span_layer(static_cast<wire::v3::SpanLayer>(span.span_layer()));
  out.set_component_id(span.component_id());
  out.set_is_error(span.is_error());
  copy_pairs(span.tags(), *out.mutable_tags());
  for (const auto& log : span.logs()) {
    auto& copy = *out.add_logs();
    copy.set_time(log.time());
    copy_pairs(log.data(), *copy.mutable_data());
  }
  return trouble.empty() ? of_name : trouble;
}

V2Segments::Trouble V2Segments::convert(const wire::v2::SegmentReference& ref, bool of_entry,
                                        wire::v3::SegmentReference& out) {
  const V2Instance* entry = registry_.instance(ref.entry_service_instance_id());
  const V2Instance* parent = registry_.instance(ref.parent_service_instance_id());
  if (entry == nullptr || parent == nullptr) return "a reference to an unknown instance";
  std::string unused;
  Trouble trouble =
      name_of_address(ref.network_address_id(), ref.network_address(), *out.mutable_network_address_used_at_peer());
  if (trouble.empty() && of_entry && out.network_address_used_at_peer().empty())
    trouble = "a reference without address";
  const Trouble of_entry_endpoint =
      name_of_parent(entry->service, ref.entry_endpoint_id(), ref.entry_endpoint(), unused);
  const Trouble of_parent =
      name_of_parent(parent->service, ref.parent_endpoint_id(), ref.parent_endpoint(), *out.mutable_parent_endpoint());
  if (trouble.empty()) trouble = of_entry_endpoint;
  if (trouble.empty()) trouble = of_parent;
  out.set_ref_type(static_cast<wire::v3::RefType>(ref.ref_type()));
  out.set_parent_trace_segment_id(text_of(ref.parent_trace_segment_id()));
  out.set_parent_span_id(ref.parent_span_id());
  if (const std::string* service = registry_.service(parent->service)) out.set_parent_service(*service);
  out.set_parent_service_instance(parent->name);
  return trouble;
}

V2Segments::Trouble V2Segments::name_of_operation(const wire::v2::SpanObject& span, int service, std::string& name) {
  if (span.operation_name_id() != 0) {
    const std::string* known = registry_.endpoint(span.operation_name_id());
    if (known == nullptr) return "unknown operation";
    name = *known;
    return "";
  }
  const bool enters = span.span_type() == wire::v2::ENTRY;
  name = span.operation_name().empty() && enters ? kDomain : span.operation_name();
  if (enters) registry_.make_endpoint(service, name, wire::v2::SERVER);
  if (span.span_type() == wire::v2::EXIT) registry_.make_endpoint(service, name, wire::v2::CLIENT);
  return "";
}

V2Segments::Trouble V2Segments::name_of_address(int id, const std::string& text, std::string& name) {
  if (id != 0) {
    const std::string* known = registry_.address(id);
    if (known == nullptr) return "unknown address";
    name = *known;
  } else if (!text.empty()) {
    name = text;
    if (registry_.make_address(text) == 0) return "a new address as text";
  }
  return "";
}

V2Segments::Trouble V2Segments::name_of_parent(int service, int id, const std::string& text, std::string& name) {
  if (id == -1) return "";  // there is none
  if (id != 0) {
    const std::string* known = registry_.endpoint(id);
    if (known == nullptr) return "a reference to an unknown endpoint";
    name = *known;
    return "";
  }
  name = text.empty() ? kDomain : text;
  if (rules_.makes_parents) registry_.make_endpoint(service, name, wire::v2::SERVER);
  return registry_.find_endpoint(service, name, wire::v2::SERVER) != 0 ? "" : kWaits;
}

}  // namespace sidecar
