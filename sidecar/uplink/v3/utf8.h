#pragma once

// Text as protobuf wants it. A collector refuses a whole batch for one broken
// byte, so what is not UTF-8 is repaired: each maximal broken part becomes U+FFFD,
// as Unicode recommends. Pure. The first look at a text is inline, since it is what an
// encoder does most: nearly all texts are ASCII, and have been read once after it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sidecar::v3 {

struct Utf8Size {
  std::size_t bytes;  // after the repair
  bool valid;         // nothing to repair
  bool marks;         // one of ; < = > ? @ may be in it, see PrivacyRules
};
Utf8Size utf8_size(std::string_view text);

// Writes utf8_size(text).bytes bytes; answers the end.
std::uint8_t* write_repaired(std::string_view text, std::uint8_t* out);

std::string repaired(std::string_view text);

// `text`, which has 1 to 7 letters, in one word: some twice, the rest zero.
inline std::uint64_t short_word(std::string_view text) {
  const std::size_t size = text.size();
  if (size < 4) {
    const auto at = [&](std::size_t i) { return std::uint64_t{static_cast<std::uint8_t>(text[i])}; };
    return at(0) | at(size / 2) << 8 | at(size - 1) << 16;
  }
  std::uint32_t low, high;
  std::memcpy(&low, text.data(), sizeof low);
  std::memcpy(&high, text.data() + size - sizeof high, sizeof high);
  return low | std::uint64_t{high} << 32;
}

// Words of eight letters.
class AsciiScan {
 public:
  void take(std::uint64_t word) {
    all_ |= word;
    // for letters of ASCII: above 0x3A and below 0x41
    marks_ |= (word + kOnes * (0x7F - 0x3A)) & (kOnes * (0x80 + 0x40) - word);
  }
  void take(const char* letters) {
    std::uint64_t word;
    std::memcpy(&word, letters, sizeof word);
    take(word);
  }
  bool ascii() const { return (all_ & kHigh) == 0; }
  bool marks() const { return (marks_ & kHigh) != 0; }  // if it is ASCII

 private:
  static constexpr std::uint64_t kOnes = 0x0101010101010101u, kHigh = 0x80 * kOnes;
  std::uint64_t all_ = 0, marks_ = 0;
};

Utf8Size utf8_size_of_any(std::string_view text);

inline Utf8Size utf8_size(std::string_view text) {
  AsciiScan scan;
  const std::size_t size = text.size();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) scan.take(text.data() + i);
    scan.take(text.data() + size - 8);
  } else if (size > 0) {
    scan.take(short_word(text));
  }
  return scan.ascii() ? Utf8Size{size, true, scan.marks()} : utf8_size_of_any(text);
}

}  // namespace sidecar::v3
