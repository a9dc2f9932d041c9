#include "uplink/v2/foreign_id.h"

#include <charconv>
#include <cstdint>

#include "uplink/encoding/own_id.h"

namespace sidecar::v2 {
namespace {

// The end of MurmurHash3, so that each bit of the text is in each bit of the number; never 0.
std::int64_t finished(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDu;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53u;
  hash ^= hash >> 33;
  const auto number = static_cast<std::int64_t>(hash & INT64_MAX);
  return number == 0 ? 1 : number;
}

}  // namespace

std::optional<fbs::Id> three_numbers(std::string_view text) {
  std::int64_t parts[3];
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return std::nullopt;
    const auto [rest, error] = std::from_chars(at, end, parts[i]);
    if (error != std::errc()) return std::nullopt;
    at = rest;
  }
  const fbs::Id id(parts[0], parts[1], parts[2]);
  // "01.2.3" would come out as another text.
  if (at != end || encoding::id_size(id) != text.size()) return std::nullopt;
  return id;
}

fbs::Id mapped(std::string_view text) {
  // FNV-1a, each from a beginning of its own
  constexpr std::uint64_t kPrime = 0x100000001B3u;
  std::uint64_t a = 0xCBF29CE484222325u, b = 0x9E3779B97F4A7C15u, c = 0xC2B2AE3D27D4EB4Fu;
  for (const char letter : text) {
    const auto byte = static_cast<std::uint8_t>(letter);
    a = (a ^ byte) * kPrime;
    b = (b ^ byte) * kPrime;
    c = (c ^ byte) * kPrime;
  }
  return {finished(a), finished(b), finished(c)};
}

}  // namespace sidecar::v2
