#pragma once

// Incoming is what a caller's propagation headers say: the trace to continue, values
// that travel with it, and the mode of analysis. A value of about 6 KiB that owns
// its texts; reading headers never fails, what is broken is as if it were absent,
// and counted when a span is begun with it.

#include <string>
#include <string_view>

#include "sidecar/detail/propagation.h"

namespace sidecar {
inline namespace v1 {
namespace detail {
struct Access;

// Getters may answer with any kind of string; a null pointer is an absent header.
inline std::string_view as_view(std::string_view text) noexcept { return text; }
inline std::string_view as_view(const std::string& text) noexcept { return text; }
inline std::string_view as_view(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}
}  // namespace detail

class SIDECAR_VISIBLE Incoming {
 public:
  SIDECAR_LOCAL Incoming() = default;

  // Asks `header` for "sw8", "sw8-correlation" and "sw8-x"; it returns something that is or converts to a
  // std::string_view, empty when there is no such header.
  template <class Getter>
  SIDECAR_LOCAL static Incoming read(Getter&& header) {
    Incoming incoming;
    {
      const auto& text = header(detail::kSw8);
      incoming.state_ = detail::parse_sw8(detail::as_view(text), incoming.context_);
    }
    {
      const auto& text = header(detail::kSw8Correlation);
      incoming.bad_ += detail::parse_correlation(detail::as_view(text), incoming.correlation_) == detail::Parsed::bad;
    }
    {
      const auto& text = header(detail::kSw8Extension);
      incoming.bad_ += detail::parse_extension(detail::as_view(text), incoming.extension_) == detail::Parsed::bad;
    }
    incoming.bad_ += incoming.state_ == detail::Parsed::bad;
    return incoming;
  }

  // Whether there is a trace to continue.
  SIDECAR_LOCAL bool valid() const noexcept { return state_ == detail::Parsed::ok; }
  // Of headers that were there and could not be read.
  SIDECAR_LOCAL unsigned bad_headers() const noexcept { return bad_; }

 private:
  friend struct detail::Access;
  detail::Parsed state_ = detail::Parsed::absent;
  unsigned bad_ = 0;
  detail::Context context_;
  detail::Correlation correlation_;
  detail::Extension extension_;
};

// Snapshot is a place in a trace, to be continued by another thread, or by the shim of
// another shared object. Trivially copyable, about 5 KiB; valid for as long as anyone
// wants. Its layout is told by `version`.
struct SIDECAR_VISIBLE Snapshot {
  static constexpr std::uint32_t kVersion = 1;

  SIDECAR_LOCAL explicit operator bool() const noexcept { return version == kVersion && recorded != kAbsent; }

  enum Recorded : std::uint8_t { kAbsent = 0, kSampled = 1, kIgnored = 2 };
  struct Text {
    std::uint16_t at;
    std::uint16_t size;
  };

  std::uint32_t version;
  std::int32_t span_id;
  std::uint8_t recorded;  // Recorded
  std::uint8_t skip_analysis;
  std::uint16_t used;     // bytes of `texts`
  std::int64_t trace[3];  // of ours; zeros: see trace_text
  std::int64_t segment[3];
  Text trace_text, service, instance, endpoint;
  std::uint32_t correlations;
  Text correlation_keys[detail::kMaxCorrelations];
  Text correlation_values[detail::kMaxCorrelations];
  char texts[ipc_protocol::kMaxForeignId + 2 * ipc_protocol::kMaxName + ipc_protocol::kMaxOperation +
             detail::kMaxCorrelations * (detail::kMaxCorrelationKey + detail::kMaxCorrelationValue)];
};

}  // namespace v1
}  // namespace sidecar
