#include "uplink/v3/segment_encoder.h"

#include <segment_generated.h>

#include <utility>

#include "uplink/encoding/fields.h"
#include "uplink/encoding/passes.h"

namespace sidecar::v3 {
namespace {

using encoding::extended;
using encoding::view;

// An id that came as text, or else one of ours.
template <class Pass>
void put_id(Pass& pass, unsigned field, const fbs::Id* id, const flatbuffers::String* text) {
  if (text != nullptr) return pass.text(field, view(text));
  if (id != nullptr) pass.id(field, *id);
}

template <class Pass>
void put_ref(Pass& pass, const fbs::Ref& ref) {
  pass.number(1, static_cast<std::uint8_t>(ref.type()));
  put_id(pass, 2, ref.trace_id(), ref.trace_id_text());
  put_id(pass, 3, ref.segment_id(), ref.segment_id_text());
  pass.number(4, extended(ref.span_id()));
  pass.text(5, view(ref.parent_service()));
  pass.text(6, view(ref.parent_instance()));
  pass.operation(7, view(ref.parent_endpoint()));
  pass.peer(8, view(ref.address()), false);  // has the prefix of its sender
}

template <class Pass>
void put_span(Pass& pass, const fbs::Span& span) {
  pass.number(1, extended(span.span_id()));
  pass.number(2, extended(span.parent_span_id()));
  encoding::put_times(pass, span);
  if (span.refs() != nullptr)
    for (const fbs::Ref* ref : *span.refs()) pass.message(5, [&] { put_ref(pass, *ref); });
  pass.operation(6, view(span.operation()));
  pass.peer(7, view(span.peer()), span.type() == fbs::SpanType::Exit);
  pass.number(8, static_cast<std::uint8_t>(span.type()));
  pass.number(9, span.layer());
  pass.number(10, extended(span.component()));
  pass.number(11, span.error() ? 1 : 0);
  encoding::put_pairs(pass, 12, span.tags());
  encoding::put_logs<13>(pass, span);
  pass.number(14, span.skip_analysis() ? 1 : 0);
}

template <class Pass>
void put_segment(Pass& pass, const fbs::Segment& segment, std::string_view service, std::string_view instance) {
  put_id(pass, 1, segment.trace_id(), segment.trace_id_text());
  put_id(pass, 2, segment.segment_id(), nullptr);
  if (segment.spans() != nullptr)
    for (const fbs::Span* span : *segment.spans()) pass.message(3, [&] { put_span(pass, *span); });
  pass.text(4, service);
  pass.text(5, instance);
  pass.number(6, segment.size_limited() ? 1 : 0);
}

template <class Pass>
void put_member(Pass& pass, const SegmentEncoder::Input& input) {
  const fbs::Segment& segment = *fbs::GetSizePrefixedSegment(input.bytes.data());
  pass.message(1, [&] { put_segment(pass, segment, input.service, input.instance); });
}

}  // namespace

SegmentEncoder::SegmentEncoder(encoding::SegmentRules rules) : rules_(std::move(rules)) {}

SegmentEncoder::Added SegmentEncoder::add(const Input& segment, std::size_t max_size) {
  if (!encoding::is_segment(segment.bytes)) return Added::unencodable;
  const Added added = plan_.add(inputs_.empty(), max_size, [&] {
    encoding::Measure measure(rules_, keys_, plan_);
    put_member(measure, segment);
    return measure.size();
  });
  if (added == Added::yes) inputs_.push_back(segment);
  return added;
}

void SegmentEncoder::write(std::uint8_t* out) const {
  encoding::Write pass(plan_, out);
  for (const Input& input : inputs_) put_member(pass, input);
}

void SegmentEncoder::clear() {
  inputs_.clear();
  plan_.clear();
}

}  // namespace sidecar::v3
