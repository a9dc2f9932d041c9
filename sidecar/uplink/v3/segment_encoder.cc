#include "uplink/v3/segment_encoder.h"

#include <segment_generated.h>

#include <charconv>
#include <cstring>
#include <utility>

#include "base/cut_utf16.h"
#include "uplink/v3/utf8.h"

namespace sidecar::v3 {
namespace {

constexpr std::size_t kMaxIdText = 64;      // three int64 with signs and two dots
constexpr std::size_t kMaxKept = 1u << 20;  // of memory for changed texts, from message to message

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

// Digits of `value` and its sign, without making them.
std::size_t decimal_size(std::int64_t value) {
  constexpr std::uint64_t kPowers[] = {1,
                                       10,
                                       100,
                                       1000,
                                       10'000,
                                       100'000,
                                       1'000'000,
                                       10'000'000,
                                       100'000'000,
                                       1'000'000'000,
                                       10'000'000'000,
                                       100'000'000'000,
                                       1'000'000'000'000,
                                       10'000'000'000'000,
                                       100'000'000'000'000,
                                       1'000'000'000'000'000,
                                       10'000'000'000'000'000,
                                       100'000'000'000'000'000,
                                       1'000'000'000'000'000'000,
                                       10'000'000'000'000'000'000u};
  const std::uint64_t size = value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  // log10(2) is about 1233 / 4096; one too few at times
  const auto digits = static_cast<std::size_t>(64 - __builtin_clzll(size | 1)) * 1233 / 4096;
  return digits + (size >= kPowers[digits] || size == 0 ? 1 : 0) + (value < 0 ? 1 : 0);
}

std::size_t id_size(const fbs::Id& id) {
  return decimal_size(id.p1()) + decimal_size(id.p2()) + decimal_size(id.p3()) + 2;
}

// All field numbers are below 16: a key is one byte.
enum WireType : std::uint8_t { kVarint = 0, kLengthDelimited = 2 };
constexpr std::uint8_t key(unsigned field, WireType type) { return static_cast<std::uint8_t>(field << 3 | type); }

// How a text is written: the lowest bits of its size.
enum Source : std::uint32_t { kAsIs = 0, kRepaired = 1, kChanged = 2 };
constexpr unsigned kSourceBits = 2;

constexpr std::uint32_t kDropped = UINT32_MAX;  // in place of a message's size

// First pass: sizes, kept for the second one in the order of writing, and the texts that change.
class Measure {
 public:
  Measure(const SegmentRules& rules, KeyCache& keys, std::vector<std::uint32_t>& sizes, std::string& changed,
          SegmentChanges& changes)
      : rules_(rules), keys_(keys), sizes_(sizes), changed_(changed), changes_(changes) {}

  void number(unsigned, std::uint64_t value) {
    if (value != 0) size_ += 1 + varint_size(value);
  }
  void text(unsigned, std::string_view text) {
    if (!text.empty()) add_text(utf8_size(text));
  }
  void operation(unsigned, std::string_view text) {
    name(text, TextKind::operation, {}, SegmentEncoder::kMaxOperation, changes_.endpoint_names_cut);
  }
  void peer(unsigned, std::string_view text, bool exit) {
    name(text, TextKind::peer, exit ? std::string_view(rules_.peer_prefix) : std::string_view(),
         SegmentEncoder::kMaxPeer, changes_.peers_cut);
  }
  void pair(unsigned field, std::string_view key, std::string_view value) {
    const KeyFacts& facts = keys_.find(key, rules_.privacy);
    if (facts.treatment.action == Treatment::drop) {
      ++changes_.tags_dropped;
      sizes_.push_back(kDropped);
      return;
    }
    message(field, [&] {
      if (!key.empty()) add_text(facts.size);
      if (facts.treatment.action == Treatment::scrub) return scrubbed(value, facts.treatment.kind);
      if (value.empty()) return;
      ++changes_.tags_masked;
      changed_ += PrivacyRules::kMasked;
      add_text(PrivacyRules::kMasked.size(), kChanged);
    });
  }
  void id(unsigned, const fbs::Id& id) { size_ += 1 + 1 + id_size(id); }  // a size below 128
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
  void add_text(std::size_t bytes, Source source) {
    sizes_.push_back(static_cast<std::uint32_t>(bytes << kSourceBits | source));
    if (bytes > 0) size_ += 1 + varint_size(bytes) + bytes;
  }

  // A text that stays as it is, but for repairs.
  void add_text(Utf8Size size) { add_text(size.bytes, size.valid ? kAsIs : kRepaired); }

  void scrubbed(std::string_view value, TextKind kind) {
    if (value.empty()) return;
    const std::size_t begin = changed_.size();
    const Utf8Size size = utf8_size(value);
    if (!scrub(value, size, kind)) return add_text(size);
    ++changes_.urls_masked;
    repair_changed(begin);
    add_text(changed_.size() - begin, kChanged);
  }

  // `cut` counts those that are longer than `max` UTF-16 units with their prefix.
  void name(std::string_view name, TextKind kind, std::string_view prefix, std::size_t max, std::uint64_t& cut) {
    if (name.empty()) return;
    const std::size_t begin = changed_.size();
    const Utf8Size size = utf8_size(name);
    if (scrub(name, size, kind))
      ++changes_.urls_masked;
    else if (prefix.empty() && name.size() <= max)  // a code point has no more units than bytes
      return add_text(size);
    else
      changed_ += name;
    changed_.insert(begin, prefix);
    repair_changed(begin);
    const std::string_view whole = std::string_view(changed_).substr(begin);
    if (const std::size_t kept = cut_utf16(whole, max).size(); kept < whole.size()) {
      ++cut;
      changed_.resize(begin + kept);
    }
    add_text(changed_.size() - begin, kChanged);
  }

  bool scrub(std::string_view text, const Utf8Size& size, TextKind kind) {
    if (!size.marks && rules_.privacy.needs_marks() && kind != TextKind::headers) return false;
    return rules_.privacy.scrub(text, kind, changed_);
  }

  void repair_changed(std::size_t begin) {
    const std::string_view text = std::string_view(changed_).substr(begin);
    if (!utf8_size(text).valid) changed_.replace(begin, std::string::npos, repaired(text));
  }

  const SegmentRules& rules_;
  KeyCache& keys_;
  std::vector<std::uint32_t>& sizes_;
  std::string& changed_;
  SegmentChanges& changes_;
  std::size_t size_ = 0;
};

// Second pass: bytes.
class Write {
 public:
  Write(std::uint8_t* out, const std::uint32_t* sizes, const char* changed)
      : out_(out), sizes_(sizes), changed_(changed) {}

  void number(unsigned field, std::uint64_t value) {
    if (value == 0) return;
    *out_++ = key(field, kVarint);
    varint(value);
  }
  void text(unsigned field, std::string_view text) {
    if (text.empty()) return;
    const std::uint32_t size = *sizes_ >> kSourceBits, source = *sizes_ & ((1u << kSourceBits) - 1);
    ++sizes_;
    if (size == 0) return;
    *out_++ = key(field, kLengthDelimited);
    varint(size);
    if (source == kRepaired) {
      out_ = write_repaired(text, out_);
      return;
    }
    std::memcpy(out_, source == kChanged ? changed_ : text.data(), size);
    out_ += size;
    if (source == kChanged) changed_ += size;
  }
  void operation(unsigned field, std::string_view text) { this->text(field, text); }
  void peer(unsigned field, std::string_view text, bool) { this->text(field, text); }
  void pair(unsigned field, std::string_view key, std::string_view value) {
    if (*sizes_ == kDropped) {
      ++sizes_;
      return;
    }
    message(field, [&] {
      text(1, key);
      text(2, value);
    });
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
  const char* changed_;
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
