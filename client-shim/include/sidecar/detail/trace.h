#pragma once

// What a tracer does with segments: begin one, find the one a thread is in, continue a
// trace from headers or from a snapshot, say in headers or in a snapshot where we are,
// end it. Thread: that of the segment (for a shared one, whoever holds its mutex).

#include <cstdio>
#include <cstring>
#include <string_view>

#include "sidecar/detail/incoming.h"
#include "sidecar/detail/state.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// A handle's span index when its segment is not recorded but counts who is in it.
inline constexpr std::uint32_t kIgnoredSpan = kNone - 1;
// sw8 has no empty fields.
inline constexpr std::string_view kUnknown = "unknown";

// Opens the values for this module alone.
struct Access {
  static const Context& context(const Incoming& from) noexcept { return from.context_; }
  static const Correlation& correlation(const Incoming& from) noexcept { return from.correlation_; }
  static const Extension& extension(const Incoming& from) noexcept { return from.extension_; }
};

// --- Where a trace comes from ---------------------------------------------------

inline void next_id(Core& core, std::int64_t realtime_us, std::int64_t (&id)[3]) noexcept {
  ThreadContext& thread = thread_context;
  if (thread.core != &core) {
    thread.core = &core;
    thread.number = core.new_thread_number();
    thread.last_id = 0;
  }
  const std::int64_t by_clock = realtime_us / 1000 * 10'000;
  thread.last_id = by_clock > thread.last_id ? by_clock : thread.last_id + 1;
  id[0] = core.process_id();
  id[1] = static_cast<std::int64_t>(thread.number);
  id[2] = thread.last_id;
}

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
    char number[24];
    const int length = std::snprintf(number, sizeof number, "%lld", static_cast<long long>(latency));
    b.add_tag(span, "transmission.latency", {number, static_cast<std::size_t>(length)}, core.config().limits,
              core.cut());
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

// --- Begin ------------------------------------------------------------------------

// A new segment without a span yet; `ignored` counts its spans and keeps nothing of them. Null: nothing is to be
// recorded at all.
inline Builder* begin_segment(Core& core, const Incoming* incoming, const Snapshot* snapshot) noexcept {
  if (!core.recording()) return nullptr;
  bool sampled = true;
  if (incoming != nullptr && incoming->bad_headers() > 0) core.count_bad_header();
  if (incoming != nullptr && incoming->valid()) {
    sampled = Access::context(*incoming).sampled && core.sample(true);
  } else if (snapshot != nullptr && *snapshot) {
    sampled = snapshot->recorded == Snapshot::kSampled;
  } else {
    sampled = core.sample(false);
  }
  Builder* const b = core.take_builder();
  if (b == nullptr) return nullptr;
  b->owner = nullptr;
  b->below = nullptr;
  b->abandoned.store(false, std::memory_order_relaxed);
  b->ignored = !sampled;
  if (!sampled) {
    core.count_unsampled();
    return b;
  }
  b->base_real_us = realtime_us();
  b->base_mono_ns = monotonic_ns();
  next_id(core, b->base_real_us, b->segment_id);
  next_id(core, b->base_real_us, b->trace.parts);
  return b;
}

// Index for the handle of a new span; the caller keeps count of an ignored one. kNone: nothing to end.
inline std::uint32_t begin_span(Core& core, Builder& b, SpanKind kind, std::string_view operation,
                                std::uint32_t parent) noexcept {
  if (b.ignored) {
    ++b.open;
    return kIgnoredSpan;
  }
  return b.add_span(kind, operation, parent, core.config().limits, core.cut());
}

// --- The thread's stack of segments -------------------------------------------------

inline void leave_stack(Builder& b) noexcept {
  for (Builder** at = &thread_context.top; *at != nullptr; at = &(*at)->below) {
    if (*at == &b) {
      *at = b.below;
      return;
    }
  }
}

// The last span has ended.
inline void complete(Builder& b) noexcept {
  Core& core = *b.core;
  if (b.owner != nullptr) leave_stack(b);
  if (b.ignored) return core.give_back(&b);
  b.serial.fetch_add(1, std::memory_order_release);  // handles are void from here on
  core.finish(&b);
}

// There was no memory for its first span.
inline void complete_empty(Builder& b) noexcept {
  if (b.owner != nullptr) leave_stack(b);
  b.core->give_back(&b);
}

// The innermost segment of this tracer that this thread is in.
inline Builder* current_segment(Core& core) noexcept {
  for (Builder* b = thread_context.top; b != nullptr;) {
    Builder* const below = b->below;
    if (b->core == &core) {
      if (!b->abandoned.load(std::memory_order_acquire)) return b;
      // a span of it was ended by another thread: its end cannot be known, so it is now
      for (std::uint32_t i = 0; i < b->spans.size(); ++i) {
        if (b->spans[i].open) b->end_span(i);
      }
      complete(*b);
    }
    b = below;
  }
  return nullptr;
}

// --- Where we are ---------------------------------------------------------------------

struct IdText {
  char text[64];
  std::size_t size;
  explicit IdText(const std::int64_t (&parts)[3]) noexcept {
    const int length = std::snprintf(text, sizeof text, "%lld.%lld.%lld", static_cast<long long>(parts[0]),
                                     static_cast<long long>(parts[1]), static_cast<long long>(parts[2]));
    size = length > 0 ? static_cast<std::size_t>(length) : 0;
  }
  std::string_view view() const noexcept { return {text, size}; }
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
    context.service = b.core->config().options.service;
    context.instance = b.core->instance();
    context.endpoint = header_text(endpoint_of(b), endpoint);
    context.address = header_text(span == kNone ? std::string_view() : b.text.view(b.spans[span].peer), address);
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
  s.service = put(b.core->config().options.service);
  s.instance = put(b.core->instance());
  s.endpoint = put(endpoint_of(b));
  return s;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
