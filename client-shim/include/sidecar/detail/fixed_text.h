#pragma once

// FixedText holds a short text in place, and knows the forms in which texts and
// numbers stand in propagation headers. It allocates nothing and never fails but
// by saying so. A value; not thread-safe.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sidecar/detail/base64.h"
#include "sidecar/detail/local.h"
#include "sidecar/detail/utf8.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// Text that may go to a collector: UTF-8, or the message is refused; no NUL, or a SQL storage behind it fails.
inline bool clean_text(std::string_view text) noexcept { return text.find('\0') == text.npos && valid_utf8(text); }

enum class TooLong : bool { refuse, cut };

// Up to N bytes of text in place. Copies copy what is in use.
template <std::size_t N>
class SIDECAR_VISIBLE FixedText {
 public:
  static constexpr std::size_t kCapacity = N;

  SIDECAR_LOCAL FixedText() noexcept {}  // the bytes stay uninitialised: size_ says what counts
  SIDECAR_LOCAL FixedText(const FixedText& other) noexcept { assign(other.view()); }
  SIDECAR_LOCAL FixedText& operator=(const FixedText& other) noexcept {
    if (this != &other) assign(other.view());
    return *this;
  }

  SIDECAR_LOCAL std::string_view view() const noexcept { return {data_, size_}; }
  SIDECAR_LOCAL bool empty() const noexcept { return size_ == 0; }
  SIDECAR_LOCAL void clear() noexcept { size_ = 0; }
  // False, and nothing changes, if `text` does not fit. It may be part of this.
  SIDECAR_LOCAL bool assign(std::string_view text) noexcept {
    if (text.size() > N) return false;
    size_ = 0;
    return append(text);
  }
  SIDECAR_LOCAL bool append(std::string_view text) noexcept {
    if (text.size() > N - size_) return false;
    if (!text.empty()) std::memmove(data_ + size_, text.data(), text.size());
    size_ += static_cast<std::uint32_t>(text.size());
    return true;
  }
  SIDECAR_LOCAL bool append(char c) noexcept { return append(std::string_view(&c, 1)); }
  SIDECAR_LOCAL bool append_base64(std::string_view text) noexcept {
    if (text.size() > N || base64_size(text.size()) > N - size_) return false;
    size_ += static_cast<std::uint32_t>(base64_encode(text, data_ + size_));
    return true;
  }
  SIDECAR_LOCAL bool append_number(std::uint64_t number) noexcept {
    char digits[20];
    std::size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return append({digits + at, sizeof digits - at});
  }

  SIDECAR_LOCAL bool append_signed(std::int64_t number) noexcept {
    if (number >= 0) return append_number(static_cast<std::uint64_t>(number));
    return append('-') && append_number(~static_cast<std::uint64_t>(number) + 1);
  }

  // Takes over what `field` decodes to, if that is text: not empty, UTF-8, without NUL. Text that is too
  // long is cut or refused; of what is cut off it is looked at only whether it is base64. If false, this is empty.
  SIDECAR_LOCAL bool decode_base64(std::string_view field, TooLong too_long) noexcept {
    size_ = 0;
    const std::size_t size = base64_decode(field, data_, N);
    if (size == 0 || size == kNotBase64 || (size > N && too_long == TooLong::refuse)) return false;
    const std::string_view text(data_, size > N ? utf8_whole({data_, N}) : size);
    if (!clean_text(text)) return false;
    size_ = static_cast<std::uint32_t>(text.size());
    return true;
  }

 private:
  std::uint32_t size_ = 0;
  char data_[N];
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
