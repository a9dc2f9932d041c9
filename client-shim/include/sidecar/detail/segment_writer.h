#pragma once

// Turns a finished Builder into one record of segment.fbs: a size-prefixed
// flatbuffer with identifier "SWSG", aligned from its first byte. One pass, no
// allocation but the growth of the builder's own buffer.
//
// A segment that is larger than `max` keeps its first spans, of which each one's
// parent is among them; a root that is too large alone goes without logs, then
// without tags, then without refs. Pure otherwise; the field numbers are those of
// ipc-schema/segment.fbs.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sidecar/detail/builder.h"
#include "sidecar/detail/flat_writer.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class SegmentWriter {
 public:
  explicit SegmentWriter(Builder& builder) noexcept : builder_(builder), out_(nullptr, 0) {}

  // Writes builder.encoded. False when not even the bare root fits `max`, or there is no memory.
  bool write(std::size_t max, CutCounters& cut) noexcept {
    if (builder_.spans.size() == 0) return false;
    if (max > ipc_protocol::kMaxSegment) max = ipc_protocol::kMaxSegment;
    const std::size_t capacity = bound() < max ? bound() : max;
    unsigned char* const data = builder_.encoded.reserve_all(capacity);
    if (data == nullptr) return false;
    out_ = FlatWriter(data, capacity);
    if (!whole(cut)) return false;
    builder_.encoded.set_size(out_.size());
    return true;
  }

 private:
  enum Detail : unsigned { kAll, kNoLogs, kNoTags, kBare };

  // No encoding of this builder is larger.
  std::size_t bound() const noexcept {
    constexpr std::size_t kString = 4 + 1 + 3;
    return 128 + builder_.text.size() + builder_.trace.text.size +  // which stands in a reference as well
           builder_.spans.size() * (4 + 56 + 8 + 32 + 2 * kString + 3 * 8) +
           builder_.tags.size() * (4 + 12 + 2 * kString) + builder_.logs.size() * (4 + 16 + 8 + 8) +
           builder_.refs.size() * (4 + 88 + 8 + 24 + 6 * kString);
  }

  bool whole(CutCounters& cut) noexcept {
    out_.begin("SWSG");
    const bool own = builder_.trace.own();
    const std::uint16_t fields[] = {static_cast<std::uint16_t>(own ? 8 : 0), static_cast<std::uint16_t>(own ? 0 : 4),
                                    32, 56, 60};
    const std::size_t vtable = out_.vtable(64, fields);
    const std::size_t table = out_.table(vtable, 64, 8);
    out_.link(4, table);
    put_id(table + 8, builder_.trace.parts);
    put_id(table + 32, builder_.segment_id);
    if (!own) out_.string(table + 4, builder_.text.view(builder_.trace.text));
    tag_vtable_ = out_.vtable(12, {4, 8});
    log_vtable_ = out_.vtable(16, {8, 4});
    const std::uint32_t count = builder_.spans.size();
    const std::size_t offsets = out_.vector(table + 56, count);
    if (out_.full()) return shortened(cut);

    std::uint32_t written = 0;
    for (; written < count; ++written) {
      const std::size_t good = out_.size();
      const std::uint32_t vtables = known_spans_;
      span(written, offsets + 4 * written, kAll);
      if (!out_.full()) continue;
      known_spans_ = vtables;  // what was written behind `good` is gone
      known_ref_ = kNone;
      out_.back_to(good);
      if (written == 0 && !bare_root(offsets)) return false;
      if (written == 0) written = 1;
      out_.put(offsets - 4, written);
      count_cut(cut);
      break;
    }
    out_.put(table + 60, static_cast<std::uint8_t>(builder_.size_limited ? 1 : 0));
    out_.finish();
    return true;
  }

  // Not even the offsets of all spans fit: half of the spans may.
  bool shortened(CutCounters& cut) noexcept {
    if (builder_.spans.size() < 2) return false;
    builder_.spans.keep(builder_.spans.size() / 2);
    out_.back_to(0);
    count_cut(cut);
    return whole(cut);
  }

  void count_cut(CutCounters& cut) noexcept {
    builder_.size_limited = true;
    count(cut.segments);
  }

  bool bare_root(std::size_t offsets) noexcept {
    for (const Detail detail : {kNoLogs, kNoTags, kBare}) {
      const std::size_t good = out_.size();
      known_spans_ = 0;
      span(0, offsets, detail);
      if (!out_.full()) return true;
      known_ref_ = kNone;
      out_.back_to(good);
    }
    return false;
  }

  void span(std::uint32_t index, std::size_t from, Detail detail) noexcept {
    const SpanData& span = builder_.spans[index];
    const bool logs = span.logs.count > 0 && detail < kNoLogs;
    const bool tags = span.tags.count > 0 && detail < kNoTags;
    const bool refs = span.refs.count > 0 && detail < kBare;
    const unsigned shape = (span.operation.size > 0 ? 1u : 0) | (span.peer.size > 0 ? 2u : 0) | (tags ? 4u : 0) |
                           (logs ? 8u : 0) | (refs ? 16u : 0);
    const std::size_t table = out_.table(span_vtable(shape), 56, 8);
    out_.link(from, table);
    out_.put(table + 4, static_cast<std::int32_t>(index));
    out_.put(table + 8, span.start_us);
    out_.put(table + 16, span.duration_us);
    out_.put(table + 24, span.parent);
    out_.put(table + 28, span.component);
    out_.put(table + 32, static_cast<std::uint8_t>(span.kind));
    out_.put(table + 33, span.layer);
    out_.put(table + 34, static_cast<std::uint8_t>(span.error ? 1 : 0));
    out_.put(table + 35, static_cast<std::uint8_t>(span.skip_analysis ? 1 : 0));
    if (span.operation.size > 0) out_.string(table + 36, builder_.text.view(span.operation));
    if (span.peer.size > 0) out_.string(table + 40, builder_.text.view(span.peer));
    if (tags) write_tags(table + 44, span.tags);
    if (logs) write_logs(table + 48, span.logs);
    if (refs) write_refs(table + 52, span.refs);
  }

  // The vtable of spans that have these texts and vectors; written when the first such span comes.
  std::size_t span_vtable(unsigned shape) noexcept {
    if ((known_spans_ >> shape & 1) == 0) {
      const auto if_there = [shape](unsigned bit, unsigned at) {
        return static_cast<std::uint16_t>((shape >> bit & 1) != 0 ? at : 0);
      };
      const std::uint16_t fields[] = {4,
                                      24,
                                      8,
                                      16,
                                      32,
                                      33,
                                      28,
                                      34,
                                      if_there(0, 36),
                                      if_there(1, 40),
                                      if_there(2, 44),
                                      if_there(3, 48),
                                      if_there(4, 52),
                                      35};
      span_vtables_[shape] = static_cast<std::uint32_t>(out_.vtable(56, fields));
      known_spans_ |= 1u << shape;
    }
    return span_vtables_[shape];
  }

  void write_tags(std::size_t from, const List& list) noexcept {
    std::size_t at = out_.vector(from, list.count);
    for (std::uint32_t i = list.first; i != kNone && !out_.full(); i = builder_.tags[i].next, at += 4) {
      const TagData& tag = builder_.tags[i];
      const std::size_t table = out_.table(tag_vtable_, 12, 4);
      out_.link(at, table);
      out_.string(table + 4, builder_.text.view(tag.key));
      out_.string(table + 8, builder_.text.view(tag.value));
    }
  }

  void write_logs(std::size_t from, const List& list) noexcept {
    std::size_t at = out_.vector(from, list.count);
    for (std::uint32_t i = list.first; i != kNone && !out_.full(); i = builder_.logs[i].next, at += 4) {
      const LogData& log = builder_.logs[i];
      const std::size_t table = out_.table(log_vtable_, 16, 8);
      out_.link(at, table);
      out_.put(table + 8, log.time_us);
      write_tags(table + 4, List{log.first, log.last, log.count});
    }
  }

  void write_refs(std::size_t from, const List& list) noexcept {
    std::size_t at = out_.vector(from, list.count);
    for (std::uint32_t i = list.first; i != kNone && !out_.full(); i = builder_.refs[i].next, at += 4) {
      const RefData& ref = builder_.refs[i];
      const std::size_t table = out_.table(ref_vtable(ref), 88, 8);
      out_.link(at, table);
      out_.put(table + 4, ref.span_id);
      put_id(table + 8, ref.trace.parts);
      put_id(table + 32, ref.segment.parts);
      out_.put(table + 80, static_cast<std::uint8_t>(ref.cross_thread ? 1 : 0));
      if (!ref.trace.own()) out_.string(table + 56, builder_.text.view(ref.trace.text));
      if (!ref.segment.own()) out_.string(table + 60, builder_.text.view(ref.segment.text));
      if (ref.service.size > 0) out_.string(table + 64, builder_.text.view(ref.service));
      if (ref.instance.size > 0) out_.string(table + 68, builder_.text.view(ref.instance));
      if (ref.endpoint.size > 0) out_.string(table + 72, builder_.text.view(ref.endpoint));
      if (ref.address.size > 0) out_.string(table + 76, builder_.text.view(ref.address));
    }
  }

  std::size_t ref_vtable(const RefData& ref) noexcept {
    const auto if_there = [](bool there, unsigned at) { return static_cast<std::uint16_t>(there ? at : 0); };
    const unsigned shape = (ref.trace.own() ? 1u : 0) | (ref.segment.own() ? 2u : 0) | (ref.service.size > 0 ? 4u : 0) |
                           (ref.instance.size > 0 ? 8u : 0) | (ref.endpoint.size > 0 ? 16u : 0) |
                           (ref.address.size > 0 ? 32u : 0);
    if (shape != known_ref_) {
      const std::uint16_t fields[] = {80,
                                      if_there(ref.trace.own(), 8),
                                      if_there(!ref.trace.own(), 56),
                                      if_there(ref.segment.own(), 32),
                                      if_there(!ref.segment.own(), 60),
                                      4,
                                      if_there(ref.service.size > 0, 64),
                                      if_there(ref.instance.size > 0, 68),
                                      if_there(ref.endpoint.size > 0, 72),
                                      if_there(ref.address.size > 0, 76)};
      ref_vtable_ = out_.vtable(88, fields);
      known_ref_ = shape;
    }
    return ref_vtable_;
  }

  void put_id(std::size_t at, const std::int64_t (&parts)[3]) noexcept {
    out_.put(at, parts[0]);
    out_.put(at + 8, parts[1]);
    out_.put(at + 16, parts[2]);
  }

  Builder& builder_;
  FlatWriter out_;
  std::size_t tag_vtable_ = 0;
  std::size_t log_vtable_ = 0;
  std::size_t ref_vtable_ = 0;
  std::uint32_t known_ref_ = kNone;  // shape of ref_vtable_
  std::uint32_t known_spans_ = 0;    // bit per shape
  std::uint32_t span_vtables_[32];
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
