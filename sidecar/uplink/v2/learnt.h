#pragma once

// What became of one name with an id in an answer. Every one of them is counted. Value types.

#include <cstdint>

namespace sidecar::v2 {

enum class Learnt : std::uint8_t {
  id,            // asked for and usable
  foreign,       // not asked for
  duplicate,     // said before, the same
  changed,       // said before, another: the collector's storage is not what it was
  out_of_range,  // 0, negative or beyond 31 bits
  stale,         // asked for in a registration that has ended
};
inline constexpr std::size_t kLearntKinds = 6;

struct LearntCounts {
  std::uint64_t of[kLearntKinds] = {};
  std::uint64_t& operator[](Learnt kind) { return of[static_cast<std::size_t>(kind)]; }
  std::uint64_t operator[](Learnt kind) const { return of[static_cast<std::size_t>(kind)]; }
};

}  // namespace sidecar::v2
