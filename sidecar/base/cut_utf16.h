#pragma once

// Cutting names as collectors do. They are Java programs, whose limits on names count
// UTF-16 units: a code point beyond U+FFFF counts two. Pure.

#include <cstddef>
#include <string_view>

namespace sidecar {

// The longest beginning of `text` (UTF-8) that has at most `max` UTF-16 units; never ends inside a code point. A
// byte that belongs to no code point counts one.
std::string_view cut_utf16(std::string_view text, std::size_t max);

// How many UTF-16 units `text` has, counted likewise.
std::size_t utf16_units(std::string_view text);

}  // namespace sidecar
