#include "uplink/v3/segment_encoder.h"

#include <segment_generated.h>

#include <charconv>
#include <cstring>

#include "uplink/v3/utf8.h"

namespace sidecar::v3 {
namespace {

constexpr std::size_t kMaxIdText = 64;  // three int64 with signs and two dots

std::size_t varint_size(std::uint64_t value) {
  // 7 bits a byte; 0 takes one
  return (static_cast<std::size_t>(63 - __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

std::size_t id_text(const fbs::Id& id, char* out) {
  char* at = out;
  char* const end = out + kMaxIdText;
  at = std::to_chars(at, end, id.p1()).ptr;
  *at++ = '.';
  at = std::to_chars(at, end, id.p2()).ptr;
  *at++ = '.';
  at = std::to_chars(at, end, id.p3()).ptr;
  return static_cast<std::size_t>(at - out);
}

// All field numbers are below 16: a key is one byte.
enum WireType : std::uint8_t { kVarint = 0, kLengthDelimited = 2 };
constexpr std::uint8_t key(unsigned field, WireType type) { return static_cast<std::uint8_t>(field << 3 | type); }

// First pass: sizes, kept for the second one in the order of writing.
class Measure {
 public:
  explicit Measure(std::vector<std::uint32_t>& sizes) : sizes_(sizes) {}

  void number(unsigned, std::uint64_t value) {
    if (value != 0) size_ += 1 + varint_size(value);
  }
  void text(unsigned, std::string_view text) {
    if (text.empty()) return;
    const Utf8Size size = utf8_size(text);
    // The lowest bit tells the second pass whether to repair.
    sizes_.push_back(static_cast<std::uint32_t>(size.bytes << 1 | (size.valid ? 0 : 1)));
    size_ += 1 + varint_size(size.bytes) + size.bytes;
  }
  void id(unsigned, const fbs::Id& id) {
    char text[kMaxIdText];
    const std::size_t length = id_text(id, text);
    size_ += 1 + 1 + length;  // always below 128
  }
  template <class Body>
  void message(unsigned, const Body& body) {
    const std::size_t slot = sizes_.size();
    sizes_.push_back(0);
    const std::size_t outer = size_;
    size_ = 0;
    body();
    sizes_[slot] = static_cast<std::uint32_t>(size_);
    size_ += outer + 1 + varint_size(size_);
  }

  std::size_t size() const { return size_; }

 private:
  std::vector<std::uint32_t>& sizes_;
  std::size_t size_ = 0;
};

// Second pass: bytes.
class Write {
 public:
  Write(std::uint8_t* out, const std::uint32_t* sizes) : out_(out), sizes_(sizes) {}

  void number(unsigned field, std::uint64_t value) {
    if (value == 0) return;
    *out_++ = key(field, kVarint);
    varint(value);
  }
  void text(unsigned field, std::string_view text) {
    if (text.empty()) return;
    const std::uint32_t size = *sizes_++;
    *out_++ = key(field, kLengthDelimited);
    varint(size >> 1);
    if ((size & 1) != 0) {
      out_ = write_repaired(text, out_);
    } else {
      std::memcpy(out_, text.data(), text.size());
      out_ += text.size();
    }
  }
  void id(unsigned field, const fbs::Id& id) {
    char text[kMaxIdText];
    const std::size_t length = id_text(id, text);
    *out_++ = key(field, kLengthDelimited);
    *out_++ = static_cast<std::uint8_t>(length);
    std::memcpy(out_, text, length);
    out_ += length;
  }
  template <class Body>
  void message(unsigned field, const Body& body) {
    *out_++ = key(field, kLengthDelimited);
    varint(*sizes_++);
    body();
  }

 private:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      *out_++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *out_++ = static_cast<std::uint8_t>(value);
  }

  std::uint8_t* out_;
  const std::uint32_t* sizes_;
};

// --- The fields, once for both passes ---------------------------------------

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
  for (const fbs::Tag* pair : *pairs) {
    pass.message(field, [&] {
      pass.text(1, view(pair->key()));
      pass.text(2, view(pair->value()));
    });
  }
}

template <class Pass>
void put_ref(Pass& pass, const fbs::Ref& ref) {
  pass.number(1, static_cast<std::uint8_t>(ref.type()));
  put_id(pass, 2, ref.trace_id(), ref.trace_id_text());
  put_id(pass, 3, ref.segment_id(), ref.segment_id_text());
  pass.number(4, extended(ref.span_id()));
  pass.text(5, view(ref.parent_service()));
  pass.text(6, view(ref.parent_instance()));
  pass.text(7, view(ref.parent_endpoint()));
  pass.text(8, view(ref.address()));
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
  pass.text(6, view(span.operation()));
  pass.text(7, view(span.peer()));
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

SegmentEncoder::Added SegmentEncoder::add(const Input& segment, std::size_t max_size) {
  constexpr std::size_t kLeast = 16;  // prefix, root offset, identifier, and a table
  if (segment.bytes.size() < kLeast || !fbs::SizePrefixedSegmentBufferHasIdentifier(segment.bytes.data()))
    return Added::unencodable;
  const std::size_t sizes_before = sizes_.size();
  Measure measure(sizes_);
  put_member(measure, segment);
  Added added = Added::yes;
  if (measure.size() > kMaxSegment)
    added = Added::unencodable;
  else if (!inputs_.empty() && size_ + measure.size() > max_size)
    added = Added::full;
  if (added != Added::yes) {
    sizes_.resize(sizes_before);
    return added;
  }
  size_ += measure.size();
  inputs_.push_back(segment);
  return added;
}

void SegmentEncoder::write(std::uint8_t* out) const {
  Write pass(out, sizes_.data());
  for (const Input& input : inputs_) put_member(pass, input);
}

void SegmentEncoder::clear() {
  inputs_.clear();
  sizes_.clear();
  size_ = 0;
}

}  // namespace sidecar::v3
