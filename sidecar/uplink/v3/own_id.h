#pragma once

// Ids that the shim made, three numbers, as the text that generation v3 carries. Pure.

#include <segment_generated.h>

#include <charconv>
#include <cstddef>
#include <cstdint>

namespace sidecar::v3 {

inline constexpr std::size_t kMaxIdText = 64;  // three int64 with signs and two dots

// Writes `id` as "p1.p2.p3" into at most kMaxIdText bytes; answers how many it took.
inline std::size_t id_text(const fbs::Id& id, char* out) {
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
inline std::size_t decimal_size(std::int64_t value) {
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

// What id_text() will answer.
inline std::size_t id_size(const fbs::Id& id) {
  return decimal_size(id.p1()) + decimal_size(id.p2()) + decimal_size(id.p3()) + 2;
}

}  // namespace sidecar::v3
