#include "ipc/segment_verifier.h"

#include <segment_generated.h>
#include <sidecar_ipc/protocol.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace sidecar {
namespace {

using namespace ipc_protocol;

// Prefix, root, identifier, and the least table with an id: nothing shorter can be a segment.
constexpr std::size_t kMinSegment = 40;
// What a table, or an id as text, costs an encoder about. A table takes at least
// 8 bytes of the record, so the factor of 16 leaves room for honest ones.
constexpr std::size_t kTableCharge = 32;
constexpr std::size_t kIdCharge = 64;
// The highest number of SpanLayer (FAAS): a collector may throw on what it does not know.
constexpr std::uint8_t kMaxLayer = 6;

// Visits a verified segment; the first fault ends it.
class Walk {
 public:
  explicit Walk(std::size_t limit) : limit_(limit) {}

  bool segment(const fbs::Segment& segment) {
    if (!id_pair(segment.trace_id(), segment.trace_id_text(), SegmentFault::ids)) return false;
    if (!own_id(*segment.segment_id(), SegmentFault::ids)) return false;
    const auto& spans = *segment.spans();
    if (spans.size() == 0 || spans.size() > kMaxSpans) return fail(SegmentFault::spans);
    return std::all_of(spans.begin(), spans.end(), [this](const fbs::Span* at) { return span(*at); });
  }

  SegmentVerdict verdict() const { return {fault_, decoded_}; }

 private:
  bool span(const fbs::Span& span) {
    if (!charge(kTableCharge)) return false;
    if (span.span_id() < 0 || span.parent_span_id() < -1 || span.parent_span_id() == span.span_id() ||
        span.type() > fbs::SpanType::MAX || span.layer() > kMaxLayer)
      return fail(SegmentFault::spans);
    if (span.start_us() < 0 || span.duration_us() < 0 ||
        span.start_us() > std::numeric_limits<std::int64_t>::max() - span.duration_us())
      return fail(SegmentFault::times);
    return text(span.operation(), kMaxOperation, SegmentFault::text) &&
           text(span.peer(), kMaxPeer, SegmentFault::text) &&
           all(span.tags(), kMaxTagsPerSpan, SegmentFault::tags, [this](const fbs::Tag& at) { return tag(at); }) &&
           all(span.logs(), kMaxLogsPerSpan, SegmentFault::logs, [this](const fbs::Log& at) { return log(at); }) &&
           all(span.refs(), kMaxRefsPerSpan, SegmentFault::refs, [this](const fbs::Ref& at) { return ref(at); });
  }

  bool tag(const fbs::Tag& tag) {
    return charge(kTableCharge) && text(tag.key(), kMaxKey, SegmentFault::tags) &&
           text(tag.value(), kMaxValue, SegmentFault::tags);
  }

  bool log(const fbs::Log& log) {
    if (!charge(kTableCharge)) return false;
    if (log.time_us() < 0) return fail(SegmentFault::times);
    return all(log.data(), kMaxFieldsPerLog, SegmentFault::logs, [this](const fbs::Tag& at) { return tag(at); });
  }

  bool ref(const fbs::Ref& ref) {
    if (!charge(kTableCharge)) return false;
    if (ref.type() > fbs::RefType::MAX || ref.span_id() < 0) return fail(SegmentFault::refs);
    return id_pair(ref.trace_id(), ref.trace_id_text(), SegmentFault::refs) &&
           id_pair(ref.segment_id(), ref.segment_id_text(), SegmentFault::refs) &&
           text(ref.parent_service(), kMaxName, SegmentFault::refs) &&
           text(ref.parent_instance(), kMaxName, SegmentFault::refs) &&
           text(ref.parent_endpoint(), kMaxOperation, SegmentFault::refs) &&
           text(ref.address(), kMaxPeer, SegmentFault::refs) &&
           text(ref.entry_endpoint(), kMaxOperation, SegmentFault::refs);
  }

  // Exactly one of an own id and another agent's as text.
  bool id_pair(const fbs::Id* own, const flatbuffers::String* foreign, SegmentFault fault) {
    if ((own != nullptr) == (foreign != nullptr)) return fail(fault);
    if (own != nullptr) return own_id(*own, fault);
    return foreign->size() == 0 ? fail(fault) : text(foreign, kMaxForeignId, fault);
  }

  bool own_id(const fbs::Id& id, SegmentFault fault) {
    if (id.p1() <= 0 || id.p2() <= 0 || id.p3() <= 0) return fail(fault);
    return charge(kIdCharge);
  }

  // An absent text is as good as an empty one.
  bool text(const flatbuffers::String* text, std::size_t max, SegmentFault fault) {
    if (text == nullptr) return true;
    return text->size() > max ? fail(fault) : charge(text->size());
  }

  template <class T, class Visit>
  bool all(const flatbuffers::Vector<flatbuffers::Offset<T>>* items, unsigned max, SegmentFault fault, Visit visit) {
    if (items == nullptr) return true;
    if (items->size() > max) return fail(fault);
    return std::all_of(items->begin(), items->end(), [&](const T* at) { return visit(*at); });
  }

  bool charge(std::size_t bytes) {
    if (bytes > limit_ - decoded_) return fail(SegmentFault::decoded);
    decoded_ += bytes;
    return true;
  }

  bool fail(SegmentFault fault) {
    fault_ = fault;
    return false;
  }

  const std::size_t limit_;
  std::size_t decoded_ = 0;
  SegmentFault fault_ = SegmentFault::none;
};

}  // namespace

SegmentVerdict verify_segment(std::span<const std::uint8_t> record) {
  CHECK(reinterpret_cast<std::uintptr_t>(record.data()) % 8 == 0);
  // Before the verifier, whose constructor asserts on sizes.
  if (record.size() < kMinSegment || record.size() > kMaxSegment) return {SegmentFault::size};
  if (!flatbuffers::BufferHasIdentifier(record.data(), fbs::SegmentIdentifier(), true))
    return {SegmentFault::identifier};
  const auto tables = static_cast<flatbuffers::uoffset_t>(
      std::min<std::size_t>(record.size() / kVerifyBytesPerTable, kVerifyMaxTables));
  flatbuffers::Verifier verifier(record.data(), record.size(), kVerifyDepth, tables, true);
  if (!fbs::VerifySizePrefixedSegmentBuffer(verifier)) return {SegmentFault::structure};
  Walk walk(decoded_limit(record.size()));
  const fbs::Segment& segment = *fbs::GetSizePrefixedSegment(record.data());
  walk.segment(segment);
  SegmentVerdict verdict = walk.verdict();
  if (verdict.fault == SegmentFault::none)
    verdict.id = {segment.segment_id()->p1(), segment.segment_id()->p2(), segment.segment_id()->p3()};
  return verdict;
}

std::size_t decoded_limit(std::size_t size) { return std::min(kDecodedFactor * size, kMaxDecoded); }

const char* to_text(SegmentFault fault) {
  switch (fault) {
    case SegmentFault::none:
      return "none";
    case SegmentFault::size:
      return "size out of range";
    case SegmentFault::identifier:
      return "not a segment";
    case SegmentFault::structure:
      return "broken flatbuffer";
    case SegmentFault::decoded:
      return "decodes to too much";
    case SegmentFault::ids:
      return "trace or segment id missing, ambiguous or out of range";
    case SegmentFault::spans:
      return "no span, too many, or one with numbers out of range";
    case SegmentFault::times:
      return "times out of range";
    case SegmentFault::tags:
      return "too many tags, or one too long";
    case SegmentFault::logs:
      return "too many logs or fields of a log";
    case SegmentFault::refs:
      return "too many references, or one out of range";
    case SegmentFault::text:
      return "operation or peer too long";
  }
  return "unknown";
}

}  // namespace sidecar
