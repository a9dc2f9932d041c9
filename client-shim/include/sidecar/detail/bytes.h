#pragma once

// Bytes is a growable buffer that keeps its memory when it is emptied, so that a
// warmed-up shim allocates nothing. It never throws: when memory or its bound is
// exhausted it becomes `failed` and ignores what follows, and its owner drops
// what it was building. Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace sidecar {
inline namespace v1 {
namespace detail {

class Bytes {
 public:
  explicit Bytes(std::size_t max) : max_(max) {}
  ~Bytes() { std::free(data_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  // Appends `size` zero bytes and returns their offset.
  std::size_t grow(std::size_t size) {
    if (failed_ || !reserve(size)) return 0;
    const std::size_t at = size_;
    std::memset(data_ + at, 0, size);
    size_ += size;
    return at;
  }
  void align(std::size_t to) { grow((to - size_ % to) % to); }

  template <class T>
  void put(std::size_t at, T value) {
    if (at + sizeof value <= size_) std::memcpy(data_ + at, &value, sizeof value);
  }
  void put(std::size_t at, const char* text, std::size_t size) {
    if (size > 0 && at + size <= size_) std::memcpy(data_ + at, text, size);
  }

  void clear() {
    size_ = 0;
    failed_ = false;
  }
  // Makes it that short again.
  void truncate(std::size_t size) {
    if (size < size_) size_ = size;
    failed_ = false;
  }
  // Gives the memory back.
  void release() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
    failed_ = false;
  }
  // At least `size` bytes to write to directly, from the start; null when that is more than the bound or there is
  // no memory. set_size() says how many were written.
  unsigned char* reserve_all(std::size_t size) {
    if (size > max_) return nullptr;
    size_ = 0;
    return reserve(size) ? data_ : nullptr;
  }
  void set_size(std::size_t size) { size_ = size; }
  bool failed() const { return failed_; }
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t footprint() const { return capacity_; }

 private:
  bool reserve(std::size_t more) {
    if (more > max_ - size_) {
      failed_ = true;
      return false;
    }
    if (size_ + more <= capacity_) return true;
    std::size_t wanted = capacity_ < 4096 ? 4096 : capacity_ * 2;
    while (wanted < size_ + more) wanted *= 2;
    auto* data = static_cast<unsigned char*>(std::realloc(data_, wanted));
    if (data == nullptr) {
      failed_ = true;
      return false;
    }
    data_ = data;
    capacity_ = wanted;
    return true;
  }

  const std::size_t max_;
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  bool failed_ = false;
};

// The same for elements of one trivially copyable type, addressed by index.
template <class T>
class Pool {
 public:
  Pool() = default;
  ~Pool() { std::free(items_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // Index of a new element, a copy of `value`; kNone when there is no memory.
  std::uint32_t add(const T& value) {
    if (size_ == capacity_) {
      const std::uint32_t wanted = capacity_ == 0 ? 16 : capacity_ * 2;
      auto* items = static_cast<T*>(std::realloc(static_cast<void*>(items_), wanted * sizeof(T)));
      if (items == nullptr) return kNone;
      items_ = items;
      capacity_ = wanted;
    }
    items_[size_] = value;
    return size_++;
  }
  T& operator[](std::uint32_t i) { return items_[i]; }
  const T& operator[](std::uint32_t i) const { return items_[i]; }
  std::uint32_t size() const { return size_; }
  std::size_t footprint() const { return capacity_ * sizeof(T); }
  void clear() { size_ = 0; }
  void keep(std::uint32_t count) {
    if (count < size_) size_ = count;
  }
  void release() {
    std::free(static_cast<void*>(items_));
    items_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  T* items_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
