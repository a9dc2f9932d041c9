#pragma once

// Where we are in a trace: as headers for a service that we call, and as a snapshot
// for another thread. Thread: that of the segment (for a shared one, whoever holds its
// mutex); code of the application is called only when it is not needed any more.

#include <cstring>
#include <string_view>

#include "sidecar/detail/core.h"
#include "sidecar/detail/incoming.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// sw8 has no empty fields.
inline constexpr std::string_view kUnknown = "unknown";

// An id of ours as text: its parts with a dot between them.
struct IdText : FixedText<62> {
  explicit IdText(const std::int64_t (&parts)[3]) noexcept {
    append_signed(parts[0]);
    append('.');
    append_signed(parts[1]);
    append('.');
    append_signed(parts[2]);
  }
};

// `text` as a header may carry it, cleaned into `memory` if it has to be.
template <std::size_t N>
std::string_view header_text(std::string_view text, FixedText<N>& memory) noexcept {
  if (text.empty()) return kUnknown;
  if (clean_text(text)) return text;
  memory.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const bool good = length > 0 && text[at] != 0;
    memory.append(good ? text.substr(at, length) : std::string_view("?"));
    at += length > 0 ? length : 1;
  }
  return memory.view();
}

inline std::string_view endpoint_of(const Builder& b) noexcept {
  return b.endpoint == kNone ? std::string_view() : b.text.view(b.spans[b.endpoint].operation);
}

// The headers of one request. They are written while the segment is ours, and handed out when it need not be any more:
// what is called then may do as it likes.
struct HeaderTexts {
  bool there = false;
  bool extended = false;
  Sw8Text sw8;
  CorrelationText correlation;
  ExtensionText extension;

  // Calls set(name, value) for each.
  template <class Setter>
  void hand_to(Setter& set) const {
    if (!there) return;
    set(kSw8, sw8.empty() ? std::string_view("") : sw8.view());
    if (!correlation.empty()) set(kSw8Correlation, correlation.view());
    if (extended) set(kSw8Extension, extension.view());
  }
};

// `span` may be kNone: one that a limit left out.
inline void write_headers(const Builder& b, std::uint32_t span, HeaderTexts& out) noexcept {
  if (!b.ignored) {  // else sw8 is empty: "not traced", so that nobody begins a trace of their own
    const IdText segment(b.segment_id);
    const IdText trace(b.trace.parts);
    FixedText<ipc_protocol::kMaxOperation> endpoint;
    FixedText<ipc_protocol::kMaxPeer> address;
    ContextView context;
    context.trace_id = b.trace.own() ? trace.view() : b.text.view(b.trace.text);
    context.segment_id = segment.view();
    const std::uint32_t at = span != kNone ? span : b.current;
    context.span_id = at == kNone ? 0 : static_cast<std::int32_t>(at);
    const Identity& identity = b.core->identity();
    context.service = identity.service();
    context.instance = identity.instance();
    context.endpoint = header_text(endpoint_of(b), endpoint);
    context.address = header_text(span == kNone ? std::string_view() : b.text.view(b.spans[span].peer), address);
    FixedText<ipc_protocol::kMaxPeer> prefixed;
    if (!identity.peer_prefix().empty() && prefixed.append(identity.peer_prefix()) &&
        prefixed.append(context.address)) {
      context.address = prefixed.view();
    }
    if (!format_sw8(context, out.sw8)) return;
  }
  out.there = true;
  format_correlation(b.correlation, out.correlation);
  out.extended = b.skip_analysis;  // absent means 0, and old receivers cannot read the form with a time
  if (out.extended) format_extension(Extension{true, 0}, out.extension);
}

inline Snapshot capture(const Builder& b, std::uint32_t span) noexcept {
  Snapshot s{};
  s.version = Snapshot::kVersion;
  s.recorded = b.ignored ? Snapshot::kIgnored : Snapshot::kSampled;
  s.skip_analysis = b.skip_analysis ? 1 : 0;
  const auto put = [&s](std::string_view text) {
    Snapshot::Text at{s.used, 0};
    if (text.size() > sizeof s.texts - s.used) return at;
    if (!text.empty()) std::memcpy(s.texts + s.used, text.data(), text.size());
    at.size = static_cast<std::uint16_t>(text.size());
    s.used = static_cast<std::uint16_t>(s.used + text.size());
    return at;
  };
  s.correlations = static_cast<std::uint32_t>(b.correlation.size());
  for (std::uint32_t i = 0; i < s.correlations; ++i) {
    s.correlation_keys[i] = put(b.correlation.key(i));
    s.correlation_values[i] = put(b.correlation.value(i));
  }
  if (b.ignored) return s;
  s.span_id = span == kNone ? 0 : static_cast<std::int32_t>(span);
  std::memcpy(s.trace, b.trace.parts, sizeof s.trace);
  std::memcpy(s.segment, b.segment_id, sizeof s.segment);
  if (!b.trace.own()) s.trace_text = put(b.text.view(b.trace.text));
  s.service = put(b.core->identity().service());
  s.instance = put(b.core->identity().instance());
  s.endpoint = put(endpoint_of(b));
  return s;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
