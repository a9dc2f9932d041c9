#pragma once

// Durations and sizes as people write them: "250ms", "2s", "10m", "1h"; "512KiB",
// "32MiB", "1GiB". Parsing is strict: digits and one unit, no sign, no blank, no
// fraction, and 0 needs its unit too. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sidecar {

// Units: ms, s, m, h. At most 10 years.
Result<Duration> parse_duration(std::string_view text);

// Units: B, KiB, MiB, GiB. At most 1 TiB.
Result<std::uint64_t> parse_bytes(std::string_view text);

// The shortest text that parses back to the same value, e.g. "90s", "2m";
// fractions of a millisecond are cut.
std::string format_duration(Duration value);
std::string format_bytes(std::uint64_t value);

// For reading only: about three digits, e.g. "3h12m", "1.4 MiB".
std::string human_duration(Duration value);
std::string human_bytes(std::uint64_t value);

}  // namespace sidecar
