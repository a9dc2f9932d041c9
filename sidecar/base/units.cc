#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace sidecar {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> kTimeUnits = {{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 4> kByteUnits = {{{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}};
constexpr std::uint64_t kMaxMilliseconds = 10ull * 366 * 24 * 3'600'000;
constexpr std::uint64_t kMaxBytes = 1ull << 40;

// `digits unit` as a number of the smallest unit, at most `max`.
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, 4>& units, std::uint64_t max,
                            std::string_view expected) {
  const auto unexpected = [&] {
    return fail(Errc::invalid_argument, fmt::format("expected {}, got '{}'", expected, text.substr(0, 64)));
  };
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return unexpected();
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (suffix != unit.name) continue;
    if (number > max / unit.factor)
      return fail(Errc::limit_exceeded, fmt::format("'{}' is too large", text.substr(0, 64)));
    return number * unit.factor;
  }
  return unexpected();
}

std::string format(std::uint64_t value, const std::array<Unit, 4>& units) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < units.size(); ++i)
    if (value != 0 && value % units[i].factor == 0) best = i;
  return fmt::format("{}{}", value / units[best].factor, units[best].name);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  return parse(text, kTimeUnits, kMaxMilliseconds, "a duration such as 250ms, 2s, 10m or 1h").map([](std::uint64_t ms) {
    return Duration(std::chrono::milliseconds(ms));
  });
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  return parse(text, kByteUnits, kMaxBytes, "a size such as 512KiB, 32MiB or 1GiB");
}

std::string format_duration(Duration value) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
  return format(ms < 0 ? 0 : static_cast<std::uint64_t>(ms), kTimeUnits);
}

std::string format_bytes(std::uint64_t value) { return format(value, kByteUnits); }

std::string human_duration(Duration value) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
  if (ms < 1000) return fmt::format("{}ms", ms < 0 ? 0 : ms);
  const auto s = ms / 1000;
  if (s < 60) return fmt::format("{}.{}s", s, ms % 1000 / 100);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d{:02}h", s / 86'400, s % 86'400 / 3600);
}

std::string human_bytes(std::uint64_t value) {
  if (value < 1024) return fmt::format("{} B", value);
  double scaled = static_cast<double>(value);
  for (const char* unit : {"KiB", "MiB"}) {
    scaled /= 1024;
    if (scaled < 1024) return fmt::format("{:.1f} {}", scaled, unit);
  }
  return fmt::format("{:.1f} GiB", scaled / 1024);
}

}  // namespace sidecar
