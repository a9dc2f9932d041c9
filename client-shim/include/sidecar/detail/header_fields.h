#pragma once

// What the propagation headers have in common: how one is judged, how long it may
// be, and how it splits into fields.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sidecar/detail/local.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

enum class SIDECAR_VISIBLE Parsed : std::uint8_t { absent, ok, bad };

// A header that is longer is bad. Ours are shorter; HTTP servers stop at about this.
inline constexpr std::size_t kMaxHeader = 8 * 1024;

// Splits off what is before the first `separator`; all of it, and `rest` empty, if there is none.
inline std::string_view next_field(std::string_view& rest, char separator) noexcept {
  const std::size_t at = rest.find(separator);
  const std::string_view field(rest.data(), at == rest.npos ? rest.size() : at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
  return field;
}

// Digits alone, at most `max`.
inline bool parse_number(std::string_view text, std::uint64_t max, std::uint64_t& out) noexcept {
  if (text.empty() || text.size() > 19) return false;  // 19 digits always fit
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out <= max;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
