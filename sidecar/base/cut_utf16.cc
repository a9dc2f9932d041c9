#include "base/cut_utf16.h"

#include <cstdint>

namespace sidecar {
namespace {

bool continues(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80; }

// Bytes of the code point at the beginning; 1 for what is none. Only as strict as not to take a neighbour's bytes.
std::size_t code_point_size(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i)
    if (!continues(text[i])) return 1;
  return size;
}

}  // namespace

std::string_view cut_utf16(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;  // no code point has more units than bytes
  std::size_t units = 0, at = 0;
  while (at < text.size()) {
    const std::size_t size = code_point_size(text.substr(at));
    units += size == 4 ? 2 : 1;
    if (units > max) break;
    at += size;
  }
  return text.substr(0, at);
}

std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  while (!text.empty()) {
    const std::size_t size = code_point_size(text);
    units += size == 4 ? 2 : 1;
    text.remove_prefix(size);
  }
  return units;
}

}  // namespace sidecar
