#include "uplink/v3/segment_encoder.h"

#include <segment_generated.h>

#include <utility>

#include "uplink/v3/passes.h"

namespace sidecar::v3 {
namespace {

constexpr std::size_t kMaxKept = 1u << 20;  // of memory for changed texts, from message to message

// proto3 sign-extends negative numbers to 64 bits.
std::uint64_t extended(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::int64_t floor_to_ms(std::int64_t us) { return us / 1000 - (us % 1000 < 0 ? 1 : 0); }

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

// An id that came as text, or else one of ours.
template <class Pass>
void put_id(Pass& pass, unsigned field, const fbs::Id* id, const flatbuffers::String* text) {
  if (text != nullptr) return pass.text(field, view(text));
  if (id != nullptr) pass.id(field, *id);
}

template <class Pass, class Pairs>
void put_pairs(Pass& pass, unsigned field, const Pairs* pairs) {
  if (pairs == nullptr) return;
  for (const fbs::Tag* pair : *pairs) pass.pair(field, view(pair->key()), view(pair->value()));
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
void put_log(Pass& pass, const fbs::Log& log) {
  pass.number(1, extended(floor_to_ms(log.time_us())));
  put_pairs(pass, 2, log.data());
}

template <class Pass>
void put_span(Pass& pass, const fbs::Span& span) {
  pass.number(1, extended(span.span_id()));
  pass.number(2, extended(span.parent_span_id()));
  pass.number(3, extended(floor_to_ms(span.start_us())));
  pass.number(4, extended(floor_to_ms(saturating_sum(span.start_us(), span.duration_us()))));
  if (span.refs() != nullptr)
    for (const fbs::Ref* ref : *span.refs()) pass.message(5, [&] { put_ref(pass, *ref); });
  pass.operation(6, view(span.operation()));
  pass.peer(7, view(span.peer()), span.type() == fbs::SpanType::Exit);
  pass.number(8, static_cast<std::uint8_t>(span.type()));
  pass.number(9, span.layer());
  pass.number(10, extended(span.component()));
  pass.number(11, span.error() ? 1 : 0);
  put_pairs(pass, 12, span.tags());
  if (span.logs() != nullptr)
    for (const fbs::Log* log : *span.logs()) pass.message(13, [&] { put_log(pass, *log); });
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

SegmentEncoder::SegmentEncoder(SegmentRules rules) : rules_(std::move(rules)) {}

SegmentEncoder::Added SegmentEncoder::add(const Input& segment, std::size_t max_size) {
  constexpr std::size_t kLeast = 16;  // prefix, root offset, identifier, and a table
  if (segment.bytes.size() < kLeast || !fbs::SizePrefixedSegmentBufferHasIdentifier(segment.bytes.data()))
    return Added::unencodable;
  const std::size_t sizes_before = sizes_.size(), changed_before = changed_.size();
  const SegmentChanges changes_before = changes_;
  Measure measure(rules_, keys_, sizes_, changed_, changes_);
  put_member(measure, segment);
  Added added = Added::yes;
  if (measure.size() > kMaxSegment)
    added = Added::unencodable;
  else if (!inputs_.empty() && size_ + measure.size() > max_size)
    added = Added::full;
  if (added != Added::yes) {
    sizes_.resize(sizes_before);
    changed_.resize(changed_before);
    changes_ = changes_before;
    return added;
  }
  size_ += measure.size();
  inputs_.push_back(segment);
  return added;
}

void SegmentEncoder::write(std::uint8_t* out) const {
  Write pass(out, sizes_.data(), changed_.data());
  for (const Input& input : inputs_) put_member(pass, input);
}

void SegmentEncoder::clear() {
  inputs_.clear();
  sizes_.clear();
  changed_.clear();
  if (changed_.capacity() > kMaxKept) changed_.shrink_to_fit();
  changes_ = {};
  size_ = 0;
}

}  // namespace sidecar::v3
