#pragma once

// Where a trace comes from: the references of a span to its parents, taken from a
// caller's headers or from a snapshot of another thread. The first parent decides
// which trace a segment belongs to. Thread: that of the segment (for a shared one,
// whoever holds its mutex).

#include <cstring>
#include <string_view>

#include "sidecar/detail/core.h"
#include "sidecar/detail/incoming.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// Opens the values for this module alone.
struct Access {
  static const Context& context(const Incoming& from) noexcept { return from.context_; }
  static const Correlation& correlation(const Incoming& from) noexcept { return from.correlation_; }
  static const Extension& extension(const Incoming& from) noexcept { return from.extension_; }
};

inline bool same_id(const Builder& b, const IdData& left, const IdData& right) noexcept {
  if (left.own() || right.own()) return std::memcmp(left.parts, right.parts, sizeof left.parts) == 0;
  return b.text.view(left.text) == b.text.view(right.text);
}

// A parent that is named twice counts once, as in Java. The first decides which trace this is.
inline void add_parent(Core& core, Builder& b, std::uint32_t span, const RefData& ref) noexcept {
  for (std::uint32_t i = b.spans[span].refs.first; i != kNone; i = b.refs[i].next) {
    if (b.refs[i].span_id == ref.span_id && same_id(b, b.refs[i].segment, ref.segment)) return;
  }
  b.add_ref(span, ref, core.cut());
  if (b.continued) return;
  b.continued = true;
  b.trace = ref.trace;
}

inline void continue_from(Core& core, Builder& b, std::uint32_t span, const Incoming& from) noexcept {
  using namespace ipc_protocol;
  const Context& context = Access::context(from);
  const auto add = [&](std::string_view text, std::size_t max) { return b.add_text(text, max, core.cut()); };
  RefData ref;
  ref.trace.text = add(context.trace_id.view(), kMaxForeignId);
  ref.segment.text = add(context.segment_id.view(), kMaxForeignId);
  if (ref.trace.text.size == 0 || ref.segment.text.size == 0) return count(core.cut().refs);  // no room for texts
  ref.service = add(context.service.view(), kMaxName);
  ref.instance = add(context.instance.view(), kMaxName);
  ref.endpoint = add(context.endpoint.view(), kMaxOperation);
  ref.address = add(context.address.view(), kMaxPeer);
  ref.span_id = context.span_id;
  add_parent(core, b, span, ref);

  const Correlation& correlation = Access::correlation(from);
  for (std::size_t i = 0; i < correlation.size(); ++i) b.correlation.set(correlation.key(i), correlation.value(i));
  const Extension& extension = Access::extension(from);
  if (extension.skip_analysis) b.skip_analysis = b.spans[span].skip_analysis = true;
  const std::int64_t latency = b.base_real_us / 1000 - extension.sent_ms;
  if (extension.sent_ms > 0 && latency >= 0) {
    FixedText<20> number;
    number.append_number(static_cast<std::uint64_t>(latency));
    b.add_tag(span, "transmission.latency", number.view(), core.config().limits, core.cut());
  }
}

inline std::string_view text_of(const Snapshot& s, Snapshot::Text text) noexcept {
  if (text.at > sizeof s.texts || text.size > sizeof s.texts - text.at) return {};
  return {s.texts + text.at, text.size};
}

inline void continue_from(Core& core, Builder& b, std::uint32_t span, const Snapshot& from) noexcept {
  using namespace ipc_protocol;
  const auto add = [&](Snapshot::Text text, std::size_t max) {
    return b.add_text(text_of(from, text), max, core.cut());
  };
  RefData ref;
  std::memcpy(ref.trace.parts, from.trace, sizeof from.trace);
  std::memcpy(ref.segment.parts, from.segment, sizeof from.segment);
  ref.trace.text = add(from.trace_text, kMaxForeignId);
  if ((!ref.trace.own() && ref.trace.text.size == 0) || !ref.segment.own()) return count(core.cut().refs);
  ref.service = add(from.service, kMaxName);
  ref.instance = add(from.instance, kMaxName);
  ref.endpoint = add(from.endpoint, kMaxOperation);
  ref.span_id = from.span_id;
  ref.cross_thread = true;
  add_parent(core, b, span, ref);
  if (from.skip_analysis != 0) b.skip_analysis = true;
  for (std::uint32_t i = 0; i < from.correlations && i < kMaxCorrelations; ++i) {
    b.correlation.set(text_of(from, from.correlation_keys[i]), text_of(from, from.correlation_values[i]));
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
