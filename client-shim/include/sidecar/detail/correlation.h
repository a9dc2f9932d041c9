#pragma once

// Correlation: up to three keys and values that travel with a trace from service
// to service, and the header sw8-correlation that carries them:
//
//   base64(key):base64(value),base64(key):base64(value),...
//
// A value of fixed size, nothing is allocated. Bounds as the Java agent's; a key
// has one too, so that the value stays small.

#include <cstddef>
#include <string_view>

#include "sidecar/detail/fixed_text.h"
#include "sidecar/detail/header_fields.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

inline constexpr std::size_t kMaxCorrelations = 3;
inline constexpr std::size_t kMaxCorrelationKey = 128;
inline constexpr std::size_t kMaxCorrelationUnits = 128;  // of a value, in UTF-16 units as Java counts
inline constexpr std::size_t kMaxCorrelationValue = 3 * kMaxCorrelationUnits;
inline constexpr std::size_t kMaxCorrelationWritten =
    kMaxCorrelations * (base64_size(kMaxCorrelationKey) + base64_size(kMaxCorrelationValue) + 2);
using CorrelationText = FixedText<kMaxCorrelationWritten>;

// A few keys and values that travel with the trace, in the order in which they came (about 1.5 KiB).
class SIDECAR_VISIBLE Correlation {
 public:
  SIDECAR_LOCAL std::size_t size() const noexcept { return size_; }
  SIDECAR_LOCAL std::string_view key(std::size_t i) const noexcept { return entries_[i].key.view(); }
  SIDECAR_LOCAL std::string_view value(std::size_t i) const noexcept { return entries_[i].value.view(); }
  SIDECAR_LOCAL void clear() noexcept { size_ = 0; }

  // Empty if there is no such key.
  SIDECAR_LOCAL std::string_view get(std::string_view wanted) const noexcept {
    const std::size_t i = find(wanted);
    return i < size_ ? value(i) : std::string_view();
  }

  // Sets or replaces; an empty value removes. False, and nothing changes, if there is no room for
  // another key, the key is empty, or a text is too long or not UTF-8 without NUL.
  SIDECAR_LOCAL bool set(std::string_view key, std::string_view value) noexcept {
    const std::size_t i = find(key);
    if (value.empty()) {
      if (i < size_) remove(i);
      return true;
    }
    if (key.empty() || key.size() > kMaxCorrelationKey || value.size() > kMaxCorrelationValue || !clean_text(key) ||
        !clean_text(value) || utf16_units(value) > kMaxCorrelationUnits || i == kMaxCorrelations) {
      return false;
    }
    if (i == size_) entries_[size_++].key.assign(key);
    return entries_[i].value.assign(value);
  }

 private:
  struct Entry {
    FixedText<kMaxCorrelationKey> key;
    FixedText<kMaxCorrelationValue> value;
  };

  SIDECAR_LOCAL std::size_t find(std::string_view wanted) const noexcept {
    std::size_t i = 0;
    while (i < size_ && key(i) != wanted) ++i;
    return i;
  }
  SIDECAR_LOCAL void remove(std::size_t i) noexcept {
    for (; i + 1 < size_; ++i) entries_[i] = entries_[i + 1];
    --size_;
  }

  std::size_t size_ = 0;
  Entry entries_[kMaxCorrelations];
};

// Elements that do not split into two non-empty texts, or break a rule, are skipped, as is every
// key after the third; of a key that is there twice, the last value counts. `bad`: there was
// something, and none of it could be read. `out` is emptied first.
inline Parsed parse_correlation(std::string_view header, Correlation& out) noexcept {
  out.clear();
  if (header.empty()) return Parsed::absent;
  if (header.size() > kMaxHeader) return Parsed::bad;
  while (!header.empty()) {
    std::string_view element = next_field(header, ',');
    const std::string_view key = next_field(element, ':');
    FixedText<kMaxCorrelationKey> key_text;
    FixedText<kMaxCorrelationValue> value_text;
    if (!key_text.decode_base64(key, TooLong::refuse)) continue;
    if (!value_text.decode_base64(element, TooLong::refuse)) continue;  // another ':' is not base64
    out.set(key_text.view(), value_text.view());
  }
  return out.size() > 0 ? Parsed::ok : Parsed::bad;
}

inline void format_correlation(const Correlation& correlation, CorrelationText& out) noexcept {
  out.clear();
  for (std::size_t i = 0; i < correlation.size(); ++i) {
    if (i > 0) out.append(',');
    out.append_base64(correlation.key(i));
    out.append(':');
    out.append_base64(correlation.value(i));
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
