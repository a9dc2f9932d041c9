#pragma once

// What every generation makes alike of a segment's fields. Pure.

#include <segment_generated.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace sidecar::encoding {

// Whether `bytes`, which have been verified if they are a Segment, are one.
inline bool is_segment(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kLeast = 16;  // prefix, root offset, identifier, and a table
  return bytes.size() >= kLeast && fbs::SizePrefixedSegmentBufferHasIdentifier(bytes.data());
}

// proto3 sign-extends negative numbers to 64 bits.
inline std::uint64_t extended(std::int64_t value) { return static_cast<std::uint64_t>(value); }

inline std::int64_t floor_to_ms(std::int64_t us) { return us / 1000 - (us % 1000 < 0 ? 1 : 0); }

inline std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

inline std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

template <class Pass>
void put_times(Pass& pass, const fbs::Span& span) {
  pass.number(3, extended(floor_to_ms(span.start_us())));
  pass.number(4, extended(floor_to_ms(saturating_sum(span.start_us(), span.duration_us()))));
}

template <class Pass, class Pairs>
void put_pairs(Pass& pass, unsigned field, const Pairs* pairs) {
  if (pairs == nullptr) return;
  for (const fbs::Tag* pair : *pairs) pass.pair(field, view(pair->key()), view(pair->value()));
}

template <unsigned kField, class Pass>
void put_logs(Pass& pass, const fbs::Span& span) {
  if (span.logs() == nullptr) return;
  for (const fbs::Log* log : *span.logs()) {
    const auto body = [&] {
      pass.number(1, extended(floor_to_ms(log->time_us())));
      put_pairs(pass, 2, log->data());
    };
    if constexpr (kField < 16)
      pass.message(kField, body);
    else
      pass.far_message(kField, body);
  }
}

}  // namespace sidecar::encoding
