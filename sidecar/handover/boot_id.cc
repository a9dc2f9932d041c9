#include "handover/boot_id.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "base/scoped_fd.h"

namespace sidecar {

BootId parse_boot_id(std::string_view text) {
  constexpr std::size_t kDigits = 16;  // of each half
  std::string digits;
  for (const char c : text)
    if (c != '-' && c != '\n') digits += c;
  BootId id;
  if (digits.size() != 2 * kDigits) return id;
  const char* const middle = digits.data() + kDigits;
  const auto high = std::from_chars(digits.data(), middle, id.high, 16);
  const auto low = std::from_chars(middle, middle + kDigits, id.low, 16);
  return high.ptr == middle && low.ptr == middle + kDigits ? id : BootId();
}

BootId read_boot_id(std::string_view told) {
  const ScopedFd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text;
  const ssize_t size = file ? read(file.get(), text.data(), text.size()) : -1;
  return size < 0 ? parse_boot_id(told) : parse_boot_id({text.data(), static_cast<std::size_t>(size)});
}

}  // namespace sidecar
