#pragma once

// WireReader walks the fields of one protobuf message without making an object of it. Each field is read once and
// checked against the bytes that are there. Groups, which no collector sends, are refused. Value type.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sidecar::v2 {

class WireReader {
 public:
  using Bytes = std::span<const std::uint8_t>;
  enum Type : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
  struct Field {
    std::uint32_t number = 0;
    Type type = varint;
    std::uint64_t value = 0;  // of a varint
    Bytes content;            // of bytes

    bool is(std::uint32_t wanted, Type of) const { return number == wanted && type == of; }
    std::string_view text() const { return {reinterpret_cast<const char*>(content.data()), content.size()}; }
  };

  explicit WireReader(Bytes message) : at_(message.data()), end_(at_ + message.size()) {}

  // False at the end, or where the message is broken: see broken().
  bool next(Field& field) {
    if (at_ == end_ || broken_) return false;
    std::uint64_t key = 0;
    constexpr int kMaxKeyBytes = 5;
    if (!number(key, kMaxKeyBytes) || key > UINT32_MAX || key >> 3 == 0) return fail();
    field = {static_cast<std::uint32_t>(key >> 3), static_cast<Type>(key & 7), 0, {}};
    switch (field.type) {
      case varint:
        return number(field.value, 10) || fail();
      case bytes: {
        std::uint64_t size = 0;
        return (number(size, kMaxKeyBytes) && skip(size, &field)) || fail();
      }
      case fixed64:
        return skip(8, nullptr) || fail();
      case fixed32:
        return skip(4, nullptr) || fail();
    }
    return fail();
  }

  bool broken() const { return broken_; }

 private:
  bool number(std::uint64_t& value, int max_bytes) {
    value = 0;
    for (int i = 0; i < max_bytes && at_ != end_; ++i) {
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool skip(std::uint64_t size, Field* into) {
    if (size > static_cast<std::size_t>(end_ - at_)) return false;
    if (into != nullptr) into->content = {at_, static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  bool fail() {
    broken_ = true;
    return false;
  }

  const std::uint8_t* at_;
  const std::uint8_t* const end_;
  bool broken_ = false;
};

}  // namespace sidecar::v2
