#pragma once

// Text as protobuf wants it. A collector refuses a whole batch for one broken
// byte, so what is not UTF-8 is repaired: each maximal broken part becomes U+FFFD,
// as Unicode recommends. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sidecar::v3 {

struct Utf8Size {
  std::size_t bytes;  // after the repair
  bool valid;         // nothing to repair
};
Utf8Size utf8_size(std::string_view text);

// Writes utf8_size(text).bytes bytes; answers the end.
std::uint8_t* write_repaired(std::string_view text, std::uint8_t* out);

std::string repaired(std::string_view text);

}  // namespace sidecar::v3
