#pragma once

// Base64 of RFC 4648, standard alphabet, as the propagation headers carry it. The
// alphabet has no '-', ',' or ':', which those headers use as separators; the
// URL-safe one would, and is refused. Read as Java's decoder reads: padding may be
// missing altogether, but not in part. Pure functions into the caller's memory.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidecar {
inline namespace v1 {
namespace detail {

inline constexpr char kBase64Alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct Base64Table {
  static constexpr unsigned char kNone = 0xFF;
  unsigned char value[256] = {};
  constexpr Base64Table() {
    for (unsigned char& v : value) v = kNone;
    for (unsigned char i = 0; i < 64; ++i) value[static_cast<unsigned char>(kBase64Alphabet[i])] = i;
  }
};
inline constexpr Base64Table kBase64Table{};

// Length of the encoding, padding included, of `size` bytes.
constexpr std::size_t base64_size(std::size_t size) noexcept { return (size + 2) / 3 * 4; }

// Writes base64_size(from.size()) characters to `to`, and returns how many.
inline std::size_t base64_encode(std::string_view from, char* to) noexcept {
  char* const begin = to;
  std::size_t at = 0;
  const auto byte = [&from](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(from[i])}; };
  const auto put = [&to](std::uint32_t bits) { *to++ = kBase64Alphabet[bits & 63]; };
  for (; from.size() - at >= 3; at += 3) {
    const std::uint32_t bits = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    put(bits >> 18);
    put(bits >> 12);
    put(bits >> 6);
    put(bits);
  }
  if (from.size() - at == 2) {
    const std::uint32_t bits = byte(at) << 16 | byte(at + 1) << 8;
    put(bits >> 18);
    put(bits >> 12);
    put(bits >> 6);
    *to++ = '=';
  } else if (from.size() - at == 1) {
    put(byte(at) >> 2);
    put(byte(at) << 4);
    *to++ = '=';
    *to++ = '=';
  }
  return static_cast<std::size_t>(to - begin);
}

inline constexpr std::size_t kNotBase64 = ~std::size_t{0};

// `from` without its padding; bits that no byte needs are ignored, as in Java.
inline std::string_view base64_unpadded(std::string_view from) noexcept {
  if (from.size() % 4 != 0 || from.empty()) return from;  // a '=' that is left is refused by its value
  if (from[from.size() - 1] == '=') from.remove_suffix(from[from.size() - 2] == '=' ? 2 : 1);
  return from;
}

// Writes the first `max` bytes of what `from` decodes to, and returns how many there are in all, which
// may be more; kNotBase64 if `from` is not base64, `to` then holds rubbish.
inline std::size_t base64_decode(std::string_view from, char* to, std::size_t max) noexcept {
  from = base64_unpadded(from);
  if (from.size() % 4 == 1) return kNotBase64;
  std::size_t size = 0;
  std::uint32_t bits = 0;
  unsigned have = 0;  // bits not written yet
  for (const char c : from) {
    const unsigned char value = kBase64Table.value[static_cast<unsigned char>(c)];
    if (value == Base64Table::kNone) return kNotBase64;
    bits = bits << 6 | value;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    if (size < max) to[size] = static_cast<char>(bits >> have & 0xFF);
    ++size;
  }
  return size;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
