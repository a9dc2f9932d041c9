#pragma once

// The header of an identity table: what it is, how long, and whether it is whole. See identity_table.h.
// Pure functions, any thread.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace sidecar {

inline constexpr std::size_t kTableHeader = 24;

// `payload` behind a header.
std::vector<std::uint8_t> frame_table(std::span<const std::uint8_t> payload);

// The payload within `bytes`; errors as decode_table(). Bytes after its end are not looked at: a memfd may be longer.
Result<std::span<const std::uint8_t>> unframe_table(std::span<const std::uint8_t> bytes);

}  // namespace sidecar
