#pragma once

// fnv1a() tells texts and bytes apart that differ by accident (64 bits, FNV-1a); whoever wants to can make two that are
// alike. Pure.

#include <cstdint>
#include <span>
#include <string_view>

namespace sidecar {

inline std::uint64_t fnv1a(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 0x100000001b3;
  return sum;
}

inline std::uint64_t fnv1a(std::string_view text) {
  return fnv1a(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace sidecar
