#pragma once

// Why the sidecar gave a segment up. Every drop has exactly one of these; their
// names are what status, logs and documentation say.

#include <array>
#include <cstddef>
#include <string_view>

namespace sidecar {

enum class DropReason {
  malformed,     // did not verify: broken flatbuffer, limits passed, decodes to too much
  channel_full,  // strategy if-possible: the newest was dropped
  overridden,    // strategy override: the oldest was dropped
  rejected,      // the collector refused it, alone, three times
  encode,        // cannot be expressed in the collector's dialect
  reset,         // an operator's reset cleared it
  ignored,       // the configuration ignores its operation, and its application had not heard of that yet
};

inline constexpr std::size_t kDropReasons = 7;
inline constexpr std::array<std::string_view, kDropReasons> kDropReasonNames = {
    "malformed", "channel_full", "overridden", "rejected", "encode", "reset", "ignored"};

constexpr std::string_view to_text(DropReason reason) { return kDropReasonNames[static_cast<std::size_t>(reason)]; }

}  // namespace sidecar
