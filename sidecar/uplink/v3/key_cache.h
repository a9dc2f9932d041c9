#pragma once

// KeyCache remembers what was found out about the keys of tags, since applications use the
// same few again and again: whether a key is valid UTF-8 and how its value is treated. A
// key that is not in it costs a look-up in PrivacyRules, whoever chose it, so that hostile keys gain
// nothing by pushing others out.
//
// Owner: SegmentEncoder. Fixed size, no allocation. Not for several threads at once.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "privacy/privacy_rules.h"
#include "uplink/v3/utf8.h"

namespace sidecar::v3 {

struct KeyFacts {
  Utf8Size size{0, true, false};
  Treatment treatment;
};

class KeyCache {
 public:
  // Valid until the next call.
  const KeyFacts& find(std::string_view key, const PrivacyRules& rules) {
    if (key.empty() || key.size() > sizeof(Words)) {
      other_ = {utf8_size(key), rules.treatment(key)};
      return other_;
    }
    const Words words = words_of(key);
    Entry& entry = entries_[slot_of(words, key.size())];
    if (entry.length != key.size() || !entry.words.equals(words))
      entry = {words, key.size(), {utf8_size(key), rules.treatment(key)}};
    return entry.facts;
  }

 private:
  // All of a key's letters, some twice; with its length they are the key.
  struct Words {
    std::uint64_t a = 0, b = 0, c = 0, d = 0;
    // Without branches; the compiler would copy arrays to compare them.
    bool equals(const Words& other) const {
      return ((a ^ other.a) | (b ^ other.b) | (c ^ other.c) | (d ^ other.d)) == 0;
    }
  };
  struct Entry {
    Words words;
    std::size_t length = 0;  // 0: nothing yet
    KeyFacts facts;
  };
  static constexpr std::size_t kBits = 8;

  static Words words_of(std::string_view key) {
    const std::size_t size = key.size();
    const auto word = [&](std::size_t at) {
      std::uint64_t value;
      std::memcpy(&value, key.data() + at, sizeof value);
      return value;
    };
    if (size > 16) return {word(0), word(8), word(size - 16), word(size - 8)};
    if (size >= 8) return {word(0), word(size - 8), 0, 0};
    return {short_word(key), 0, 0, 0};
  }

  static std::size_t slot_of(const Words& words, std::size_t size) {
    constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15u, kMore = 0xC2B2AE3D27D4EB4Fu;
    const std::uint64_t hash = (words.a + size) * kMix ^ (words.b ^ words.c * kMix ^ words.d) * kMore;
    return hash >> (64 - kBits);
  }

  std::array<Entry, 1u << kBits> entries_;
  KeyFacts other_;
};

}  // namespace sidecar::v3
