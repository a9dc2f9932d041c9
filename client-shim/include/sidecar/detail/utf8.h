#pragma once

// UTF-8 as the collector wants it: one string that is not UTF-8 makes it refuse
// the whole message, so text from outside is checked, and what is cut is cut
// between characters. Strict: no overlong forms, no surrogates, nothing above
// U+10FFFF. Pure functions, nothing is allocated.

#include <cstddef>
#include <string_view>

namespace sidecar {
inline namespace v1 {
namespace detail {

// Length in bytes of the character that begins at text[at]; 0 if none well-formed does.
inline std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() - at < length) return 0;
  // the second byte also rules out overlong forms, surrogates, and what is above U+10FFFF
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Whether all of `text` is UTF-8.
inline bool valid_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// How much of `text` to keep if it was cut, so that no part of a character is left at its end.
inline std::size_t utf8_whole(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= 4 && back <= text.size(); ++back) {
    const std::size_t at = text.size() - back;
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    return utf8_length(text, at) == 0 ? at : text.size();
  }
  return text.size();
}

// The length of `text`, which is UTF-8, as Java counts it: in UTF-16 units.
inline std::size_t utf16_units(std::string_view text) noexcept {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
