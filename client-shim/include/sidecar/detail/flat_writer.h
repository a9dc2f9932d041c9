#pragma once

// FlatWriter writes a flatbuffer from front to back into the caller's memory: a
// parent comes before its children, whose offsets are filled in when they are
// written, and every vtable before the tables that use it. flatc's builder writes
// the other way round and must hold everything until the end; this one needs no
// memory of its own. The layouts of the tables are constants in segment_writer.h
// and control_writer.h.
//
// What does not fit makes it `full`; it then writes nothing more and its owner goes
// back to a position that was still good. Little endian alone, as all hosts we run on.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sidecar {
inline namespace v1 {
namespace detail {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "flatbuffers are little endian");

class FlatWriter {
 public:
  FlatWriter(unsigned char* data, std::size_t capacity) noexcept : data_(data), capacity_(capacity) {}

  std::size_t size() const noexcept { return size_; }
  bool full() const noexcept { return full_; }
  void back_to(std::size_t size) noexcept {
    size_ = size;
    full_ = false;
  }

  // `size` zero bytes at a multiple of `align`; returns where, or 0 when full.
  std::size_t space(std::size_t size, std::size_t align) noexcept {
    const std::size_t at = (size_ + align - 1) & ~(align - 1);
    if (full_ || at > capacity_ || size > capacity_ - at) {
      full_ = true;
      return 0;
    }
    std::memset(data_ + size_, 0, at - size_ + size);
    size_ = at + size;
    return at;
  }
  template <class T>
  void put(std::size_t at, T value) noexcept {
    if (!full_) std::memcpy(data_ + at, &value, sizeof value);
  }
  // The offset at `at` shall lead to what begins at `target`, which lies behind it.
  void link(std::size_t at, std::size_t target) noexcept { put(at, static_cast<std::uint32_t>(target - at)); }

  // A string to which the offset at `from` leads.
  void string(std::size_t from, std::string_view text) noexcept {
    const std::size_t at = (size_ + 3) & ~std::size_t{3};
    const std::size_t size = 4 + text.size() + 1;
    if (full_ || at > capacity_ || size > capacity_ - at) {
      full_ = true;
      return;
    }
    std::memset(data_ + size_, 0, at - size_);
    put(at, static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(data_ + at + 4, text.data(), text.size());
    data_[at + 4 + text.size()] = 0;
    size_ = at + size;
    link(from, at);
  }
  // A vector of `count` offsets, to be filled by link(); returns where the first is.
  std::size_t vector(std::size_t from, std::uint32_t count) noexcept {
    const std::size_t at = space(4 + std::size_t{count} * 4, 4);
    put(at, count);
    link(from, at);
    return at + 4;
  }

  // A vtable: its own size, the table's size, one entry per field, 0 where it is absent.
  template <std::size_t N>
  std::size_t vtable(std::uint16_t table_size, const std::uint16_t (&fields)[N]) noexcept {
    constexpr std::uint16_t kSize = static_cast<std::uint16_t>(4 + 2 * N);
    const std::size_t at = space(kSize, 2);
    put(at, kSize);
    put(at + 2, table_size);
    if (!full_) std::memcpy(data_ + at + 4, fields, sizeof fields);
    return at;
  }
  std::size_t table(std::size_t vtable, std::size_t size, std::size_t align) noexcept {
    const std::size_t at = space(size, align);
    put(at, static_cast<std::int32_t>(static_cast<std::int64_t>(at) - static_cast<std::int64_t>(vtable)));
    return at;
  }

  // Begins a size-prefixed buffer, optionally with a file identifier; the root's offset is at 4.
  void begin(const char* identifier) noexcept {
    const std::size_t at = space(identifier == nullptr ? 8 : 12, 4);
    if (!full_ && identifier != nullptr) std::memcpy(data_ + at + 8, identifier, 4);
  }
  void finish() noexcept { put(0, static_cast<std::uint32_t>(size_ - 4)); }

 private:
  unsigned char* data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  bool full_ = false;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
