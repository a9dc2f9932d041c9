#pragma once

// Reads a fuzzer's input as numbers, from which inputs of structure are made: small ones are one byte, others eight
// after a mark; when none is left: 0, which ends everything.

#include <cstddef>
#include <cstdint>

namespace sidecar {

class Numbers {
 public:
  Numbers(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  std::uint64_t operator()() {
    if (at_ == end_) return 0;
    const std::uint8_t first = *at_++;
    if (first < 0xF8) return first;
    std::uint64_t value = 0;
    for (int i = 0; i < 8 && at_ != end_; ++i) value = value << 8 | *at_++;
    return value;
  }
  bool empty() const { return at_ == end_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace sidecar
