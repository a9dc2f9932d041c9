#pragma once

// The retention buffer: records as they were encoded, one behind the other, from the
// oldest that may have to be sent again to the newest. Numbers (seq) are given here,
// beginning at 1, without gaps.
//
//   tail ......... settled ......... accepted ......... next ......... head
//    | forgotten as soon as settled | forgotten if need be | sent | not sent yet
//
// Records do not wrap: what does not fit before the end begins again at the start. A
// record tells its own length (it is size-prefixed); a length of zero, or the end of
// the memory, says "go on at the start", and one with kHole that there is none any more.
//
// Owner: the holder of the core (core.h), alone. Memory: anonymous, not inherited by
// a child, touched only as far as it is used.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sidecar {
inline namespace v1 {
namespace detail {

class Ring {
 public:
  // False: no memory. To be called once; `capacity` is a multiple of the page size.
  bool open(std::size_t capacity) noexcept {
    void* const memory = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    ::madvise(memory, capacity, MADV_DONTFORK);
    data_ = static_cast<unsigned char*>(memory);
    capacity_ = capacity;
    return true;
  }
  bool is_open() const noexcept { return data_ != nullptr; }

  std::uint64_t tail_seq() const noexcept { return tail_seq_; }  // oldest that is held
  std::uint64_t next_seq() const noexcept { return next_seq_; }  // next to be sent
  std::uint64_t head_seq() const noexcept { return head_seq_; }  // next to be added
  std::size_t used() const noexcept { return used_; }
  std::size_t capacity() const noexcept { return capacity_; }

  // False: no room.
  bool add(const unsigned char* record, std::size_t size) noexcept {
    const std::size_t padded = (size + 7) & ~std::size_t{7};
    if (used_ == 0) tail_ = next_ = head_ = 0;  // a small working set stays in the cache
    const bool wraps = capacity_ - head_ < padded;
    const std::size_t skipped = wraps ? capacity_ - head_ : 0;
    if (used_ + skipped + padded > capacity_) return false;
    if (wraps) {
      if (skipped > 0) std::memset(data_ + head_, 0, 4);
      if (next_ == head_) next_ = 0;
      head_ = 0;
      used_ += skipped;
    }
    std::memcpy(data_ + head_, record, size);
    std::memset(data_ + head_ + size, 0, padded - size);
    head_ += padded;
    used_ += padded;
    ++head_seq_;
    return true;
  }

  // Forgets what comes before `seq`, as far as it was sent; returns how many that were.
  std::uint64_t forget_before(std::uint64_t seq) noexcept {
    const std::uint64_t before = tail_seq_;
    while (tail_seq_ < seq && tail_seq_ < next_seq_) forget_one();
    return tail_seq_ - before;
  }
  // Forgets the oldest, if it is older than `seq`, even if it was to be sent again.
  bool forget_oldest_before(std::uint64_t seq) noexcept {
    if (tail_seq_ >= seq || tail_seq_ == head_seq_) return false;
    if (next_seq_ == tail_seq_) advance(next_, next_seq_);
    forget_one();
    return true;
  }

  // All that is held will be sent (again) from `seq` on, or from the oldest.
  void send_from(std::uint64_t seq) noexcept {
    if (seq > head_seq_) seq = head_seq_;
    if (seq >= next_seq_) {
      while (next_seq_ < seq) advance(next_, next_seq_);
      return;
    }
    next_ = tail_;
    next_seq_ = tail_seq_;
    while (next_seq_ < seq) advance(next_, next_seq_);
  }

  // The longest run of records to be sent that lie side by side, at most `max_bytes` and `max_count`.
  struct Run {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    unsigned count = 0;
  };
  Run to_send(std::size_t max_bytes, unsigned max_count) noexcept {
    Run run;
    if (next_seq_ == head_seq_) return run;
    next_ = wrapped(next_);
    run.data = data_ + next_;
    std::size_t at = next_;
    std::uint64_t seq = next_seq_;
    while (seq < head_seq_ && run.count < max_count && wrapped(at) == at && at == next_ + run.size) {
      const std::size_t size = padded_size(at);
      if (run.count > 0 && run.size + size > max_bytes) break;
      run.size += size;
      ++run.count;
      at += size;
      ++seq;
      if (at == capacity_) break;
    }
    return run;
  }
  void sent(unsigned count) noexcept {
    for (unsigned i = 0; i < count; ++i) advance(next_, next_seq_);
  }
  // As if the next to be sent had never been added: those behind it move up by one number.
  void remove_next() noexcept {
    if (next_seq_ == head_seq_) return;
    next_ = wrapped(next_);
    const std::size_t size = padded_size(next_);
    const std::uint32_t hole = kHole | static_cast<std::uint32_t>(size - 4);
    std::memcpy(data_ + next_, &hole, sizeof hole);
    next_ += size;
    --head_seq_;
    if (tail_seq_ == head_seq_) used_ = 0;
  }

 private:
  std::size_t padded_size(std::size_t at) const noexcept {
    std::uint32_t prefix = 0;
    std::memcpy(&prefix, data_ + at, sizeof prefix);
    return (std::size_t{prefix} + 4 + 7) & ~std::size_t{7};
  }
  // Where the record at `at`, of which it is known that there is one, really begins.
  std::size_t wrapped(std::size_t at) const noexcept {
    for (;;) {
      std::uint32_t prefix = 0;
      if (at < capacity_) std::memcpy(&prefix, data_ + at, sizeof prefix);
      if (prefix == 0) {
        at = 0;
      } else if ((prefix & kHole) != 0) {
        at += (std::size_t{prefix & ~kHole} + 4 + 7) & ~std::size_t{7};
      } else {
        return at;
      }
    }
  }
  void advance(std::size_t& at, std::uint64_t& seq) noexcept {
    at = wrapped(at);
    at += padded_size(at);
    ++seq;
  }
  void forget_one() noexcept {
    const std::size_t at = wrapped(tail_);
    used_ -= at >= tail_ ? at - tail_ : capacity_ - tail_ + at;
    tail_ = at + padded_size(at);
    used_ -= tail_ - at;
    ++tail_seq_;
    if (tail_seq_ == head_seq_) used_ = 0;
  }

  static constexpr std::uint32_t kHole = std::uint32_t{1} << 31;  // in a record's length: it was removed

  unsigned char* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;  // with what was skipped at the end
  std::size_t tail_ = 0;
  std::size_t next_ = 0;
  std::size_t head_ = 0;
  std::uint64_t tail_seq_ = 1;
  std::uint64_t next_seq_ = 1;
  std::uint64_t head_seq_ = 1;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
