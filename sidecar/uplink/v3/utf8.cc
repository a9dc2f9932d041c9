#include "uplink/v3/utf8.h"

#include <cstring>

namespace sidecar::v3 {
namespace {

constexpr std::uint8_t kReplacement[] = {0xEF, 0xBF, 0xBD};

// The sequence at the beginning of `text` (not empty): its length, or the length of the broken part that is one U+FFFD.
struct Sequence {
  std::size_t length;
  bool valid;
};

Sequence first_sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {1, true};
  // Lead byte: number of continuation bytes and the range of the first of them (no overlong forms, no surrogates,
  // nothing beyond U+10FFFF).
  std::size_t more;
  std::uint8_t low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i <= more; ++i) {
    if (i >= text.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {more + 1, true};
}

std::size_t ascii_prefix(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && static_cast<std::uint8_t>(text[i]) < 0x80) ++i;
  return i;
}

}  // namespace

Utf8Size utf8_size_of_any(std::string_view text) {
  Utf8Size size{0, true, true};
  while (!text.empty()) {
    const std::size_t ascii = ascii_prefix(text);
    size.bytes += ascii;
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const Sequence sequence = first_sequence(text);
    size.bytes += sequence.valid ? sequence.length : sizeof kReplacement;
    size.valid = size.valid && sequence.valid;
    text.remove_prefix(sequence.length);
  }
  return size;
}

std::uint8_t* write_repaired(std::string_view text, std::uint8_t* out) {
  while (!text.empty()) {
    const Sequence sequence = first_sequence(text);
    const std::size_t length = sequence.valid ? sequence.length : sizeof kReplacement;
    std::memcpy(out, sequence.valid ? static_cast<const void*>(text.data()) : kReplacement, length);
    out += length;
    text.remove_prefix(sequence.length);
  }
  return out;
}

std::string repaired(std::string_view text) {
  const Utf8Size size = utf8_size(text);
  if (size.valid) return std::string(text);
  std::string out(size.bytes, '\0');
  write_repaired(text, reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

}  // namespace sidecar::v3
