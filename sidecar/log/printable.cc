#include <fmt/format.h>

#include <cstdint>

#include "log/log.h"

namespace sidecar {
namespace {

// Length of the well-formed UTF-8 sequence at the front of `text` (which is not
// empty), and its code point; 0 when it is broken, overlong or a surrogate.
std::size_t decode(std::string_view text, std::uint32_t& point) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return point = first, 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (size == 0 || first > 0xF4 || text.size() < size) return 0;
  point = first & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3F);
  }
  if ((size == 3 && point < 0x800) || (size == 4 && (point < 0x10000 || point > 0x10FFFF))) return 0;
  return point >= 0xD800 && point <= 0xDFFF ? 0 : size;
}

// What a terminal or a reader could be misled by: controls, line separators, bidirectional marks.
bool is_misleading(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029 || point == 0x200E ||
         point == 0x200F || point == 0x061C || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max) {
  constexpr std::string_view kCut = "...";
  std::string out;
  std::size_t whole = 0;  // length of `out` after the last piece that leaves room for the mark of a cut
  while (!text.empty()) {
    std::uint32_t point = 0;
    std::size_t size = decode(text, point);
    if (size != 0 && !is_misleading(point)) {
      out.append(text.substr(0, size));
    } else {
      if (size == 0) size = 1;
      for (const char c : text.substr(0, size)) out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
    }
    text.remove_prefix(size);
    if (out.size() > max) {
      out.resize(whole);
      out.append(kCut.substr(0, max - whole));
      return out;
    }
    if (out.size() + kCut.size() <= max) whole = out.size();
  }
  return out;
}

}  // namespace sidecar
