#include "uplink/v2/segment_encoder.h"

#include <utility>

#include "uplink/v2/passes.h"

namespace sidecar::v2 {
namespace {

using encoding::extended;
using encoding::view;

constexpr std::uint8_t kMaxLayer = 5;  // Cache
constexpr std::int32_t kNoEndpoint = -1;

bool is_carried(const flatbuffers::String* id) { return view(id).empty() || three_numbers(view(id)).has_value(); }

// As a tag of our own: no rule hides an id.
template <class Pass>
void put_original(Pass& pass, std::string_view key, const flatbuffers::String* id) {
  if (is_carried(id)) return;
  pass.message(15, [&] {
    pass.text(1, key);
    pass.text(2, view(id));
  });
}

// The name, or else an id that the header carried.
template <class Pass>
void put_endpoint(Pass& pass, unsigned field, const flatbuffers::String* name, std::int32_t id) {
  if (!view(name).empty()) return pass.operation(field, view(name));
  if (id > 0 || id == kNoEndpoint) pass.number(field + 1, extended(id));
}

template <class Pass>
void put_ref(Pass& pass, const fbs::Ref& ref, std::int32_t parent_instance, std::int32_t entry_instance) {
  pass.number(1, static_cast<std::uint8_t>(ref.type()));
  if (!view(ref.segment_id_text()).empty())
    pass.unique_id(2, view(ref.segment_id_text()));
  else if (ref.segment_id() != nullptr)
    pass.unique_id(2, *ref.segment_id());
  pass.number(3, extended(ref.span_id()));
  pass.number(4, extended(parent_instance));
  if (ref.type() == fbs::RefType::CrossProcess) {
    if (view(ref.address()).empty())
      pass.number(6, extended(ref.address_id()));
    else
      pass.address(6, 5, view(ref.address()), false);
  }
  pass.number(7, extended(entry_instance));
  put_endpoint(pass, 8, ref.entry_endpoint(), ref.entry_endpoint_id());
  put_endpoint(pass, 10, ref.parent_endpoint(), ref.parent_endpoint_id());
}

template <class Pass>
void put_names(Pass& pass, const fbs::Span& span) {
  if (span.type() == fbs::SpanType::Entry)
    pass.endpoint(6, 7, view(span.operation()));
  else
    pass.operation(7, view(span.operation()));
  if (span.type() == fbs::SpanType::Exit) pass.address(8, 9, view(span.peer()), true);
}

// `trace` is the text of the segment's trace id, on its first span.
template <class Pass>
void put_tags(Pass& pass, const fbs::Span& span, const flatbuffers::String* trace, const fbs::Segment& segment) {
  encoding::put_pairs(pass, 15, span.tags());
  if (span.type() != fbs::SpanType::Exit && !view(span.peer()).empty())
    pass.message(15, [&] {
      pass.text(1, SegmentEncoder::kPeerTag);
      pass.peer(2, view(span.peer()), false);
    });
  put_original(pass, SegmentEncoder::kTraceIdTag, trace);
  if (span.refs() == nullptr) return;
  for (const fbs::Ref* ref : *span.refs()) {
    if (view(ref->trace_id_text()) != view(segment.trace_id_text()))
      put_original(pass, SegmentEncoder::kTraceIdTag, ref->trace_id_text());
    put_original(pass, SegmentEncoder::kParentSegmentTag, ref->segment_id_text());
  }
}

template <class Pass>
void put_span(Pass& pass, const fbs::Span& span, const flatbuffers::String* trace, const fbs::Segment& segment) {
  pass.number(1, extended(span.span_id()));
  pass.number(2, extended(span.parent_span_id()));
  encoding::put_times(pass, span);
  if (span.refs() != nullptr)
    for (const fbs::Ref* ref : *span.refs())
      pass.reference(5, *ref, [&](std::int32_t parent, std::int32_t entry) { put_ref(pass, *ref, parent, entry); });
  put_names(pass, span);
  pass.number(10, static_cast<std::uint8_t>(span.type()));
  pass.number(11, span.layer() <= kMaxLayer ? span.layer() : 0);
  pass.number(12, extended(span.component()));
  pass.number(14, span.error() ? 1 : 0);
  put_tags(pass, span, trace, segment);
  encoding::put_logs<16>(pass, span);
}

template <class Pass>
void put_segment(Pass& pass, const fbs::Segment& segment, const SegmentEncoder::Input& input) {
  pass.unique_id(1, *segment.segment_id());
  if (segment.spans() != nullptr) {
    const flatbuffers::String* trace = segment.trace_id_text();
    for (const fbs::Span* span : *segment.spans())
      pass.message(2, [&] { put_span(pass, *span, std::exchange(trace, nullptr), segment); });
  }
  pass.number(3, extended(input.service_id));
  pass.number(4, extended(input.instance_id));
  pass.number(5, segment.size_limited() ? 1 : 0);
}

template <class Pass>
void put_member(Pass& pass, const SegmentEncoder::Input& input) {
  const fbs::Segment& segment = *fbs::GetSizePrefixedSegment(input.bytes.data());
  pass.message(1, [&] {
    pass.trace_ids(1, segment);
    pass.message(2, [&] { put_segment(pass, segment, input); });
  });
}

}  // namespace

SegmentEncoder::SegmentEncoder(encoding::SegmentRules rules, KnownIds& known)
    : rules_(std::move(rules)), known_(known) {}

SegmentEncoder::Added SegmentEncoder::add(const Input& segment, std::size_t max_size) {
  if (!encoding::is_segment(segment.bytes)) return Added::unencodable;
  const std::size_t ids_before = ids_.size();
  std::size_t by_name = 0;
  const Added added = plan_.add(inputs_.empty(), max_size, [&] {
    Measure measure(rules_, keys_, plan_, ids_, known_, segment.service_id, segment.instance_id);
    put_member(measure, segment);
    by_name = measure.peers_by_name();
    return measure.size();
  });
  if (added == Added::yes) {
    inputs_.push_back(segment);
    peers_by_name_ += by_name;
  } else {
    ids_.resize(ids_before, fbs::Id());
  }
  return added;
}

void SegmentEncoder::write(std::uint8_t* out) const {
  Write pass(plan_, ids_, out);
  for (const Input& input : inputs_) put_member(pass, input);
}

void SegmentEncoder::clear() {
  inputs_.clear();
  plan_.clear();
  ids_.clear();
  peers_by_name_ = 0;
}

}  // namespace sidecar::v2
