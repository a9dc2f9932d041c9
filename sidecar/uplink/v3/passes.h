#pragma once

// The two passes of SegmentEncoder over a segment's fields: Measure finds every size and every
// text that changes, Write writes with them. Both have the same functions, so that the
// fields are listed once; what one pass takes from the plan the other has put there, in
// the same order:
//
//   plan:     [message] [text] [text] [dropped pair] [message] [text: changed] ...
//   changed:  "***" "redis://***@cache" ...      the bytes of changed texts, end to end
//
// A text is its size and, in the lowest bits, where its bytes come from. Not used elsewhere.

#include <string>
#include <vector>

#include "base/cut_utf16.h"
#include "uplink/segment_changes.h"
#include "uplink/v3/key_cache.h"
#include "uplink/v3/own_id.h"
#include "uplink/v3/segment_rules.h"
#include "uplink/v3/utf8.h"

namespace sidecar::v3 {

inline std::size_t varint_size(std::uint64_t value) {
  // 7 bits a byte; 0 takes one
  return (static_cast<std::size_t>(63 - __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

// All field numbers are below 16: a key is one byte.
enum WireType : std::uint8_t { kVarint = 0, kLengthDelimited = 2 };
constexpr std::uint8_t key(unsigned field, WireType type) { return static_cast<std::uint8_t>(field << 3 | type); }

// How a text is written: the lowest bits of its size.
enum Source : std::uint32_t { kAsIs = 0, kRepaired = 1, kChanged = 2 };
inline constexpr unsigned kSourceBits = 2;

inline constexpr std::uint32_t kDropped = UINT32_MAX;  // in place of a message's size

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
    name(text, TextKind::operation, {}, kMaxOperation, changes_.endpoint_names_cut);
  }
  void peer(unsigned, std::string_view text, bool exit) {
    name(text, TextKind::peer, exit ? std::string_view(rules_.peer_prefix) : std::string_view(), kMaxPeer,
         changes_.peers_cut);
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

}  // namespace sidecar::v3
