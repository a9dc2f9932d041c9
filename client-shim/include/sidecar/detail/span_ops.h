#pragma once

// What can be said about a span, whichever handle leads to it. Every call is without
// effect when there is nothing to describe (tracing off, limits, after a fork, after
// end()). Nothing here throws, blocks, or fails.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sidecar/detail/local.h"
#include "sidecar/detail/trace.h"

namespace sidecar {
inline namespace v1 {

// SkyWalking's numbers.
enum class SIDECAR_VISIBLE SpanLayer : std::uint8_t {
  unknown = 0,
  database = 1,
  rpc = 2,
  http = 3,
  mq = 4,
  cache = 5,
  faas = 6
};

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

namespace detail {

// What both handles can say about a span. Self brings edit(f), which calls f(builder, index) if there is a span.
template <class Self>
class SIDECAR_VISIBLE SpanOps {
 public:
  // Keys of up to 256 bytes; values are cut at TracerOptions::value_limit, between characters.
  SIDECAR_LOCAL Self& tag(std::string_view key, std::string_view value) noexcept {
    return edit([&](Builder& b, std::uint32_t at) { b.add_tag(at, key, value, limits(b), b.core->cut()); });
  }
  SIDECAR_LOCAL Self& tag(std::string_view key, const char* value) noexcept { return tag(key, as_view(value)); }
  template <class Number, std::enable_if_t<std::is_integral_v<Number>, int> = 0>
  SIDECAR_LOCAL Self& tag(std::string_view key, Number value) noexcept {
    if constexpr (std::is_same_v<Number, bool>) {
      return tag(key, value ? std::string_view("true") : std::string_view("false"));
    } else {
      FixedText<20> text;
      if constexpr (std::is_signed_v<Number>) {
        text.append_signed(value);
      } else {
        text.append_number(value);
      }
      return tag(key, text.view());
    }
  }
  // An event of this moment: {{"event", "retry"}, {"message", "..."}}.
  SIDECAR_LOCAL Self& log(LogFields fields) noexcept {
    return edit([&](Builder& b, std::uint32_t at) {
      const std::uint32_t log = b.add_log(at, b.now_us(), limits(b), b.core->cut());
      if (log == kNone) return;
      for (const auto& field : fields) b.add_field(log, field.first, field.second, limits(b), b.core->cut());
    });
  }
  // The same with `count` fields, each as field(i) gives it: for callers that do not know them when they are compiled.
  template <class Field>
  SIDECAR_LOCAL Self& log(std::size_t count, Field&& field) {
    return edit([&](Builder& b, std::uint32_t at) {
      const std::uint32_t log = b.add_log(at, b.now_us(), limits(b), b.core->cut());
      if (log == kNone) return;
      for (std::size_t i = 0; i < count; ++i) {
        const std::pair<std::string_view, std::string_view> pair = field(i);
        b.add_field(log, pair.first, pair.second, limits(b), b.core->cut());
      }
    });
  }
  SIDECAR_LOCAL Self& error() noexcept {
    return edit([](Builder& b, std::uint32_t at) { b.spans[at].error = true; });
  }
  // The span failed, and this is why: a log with the keys that SkyWalking's agents use.
  SIDECAR_LOCAL Self& error(std::string_view kind, std::string_view message, std::string_view stack = {}) noexcept {
    error();
    return stack.empty() ? log({{"event", "error"}, {"error.kind", kind}, {"message", message}})
                         : log({{"event", "error"}, {"error.kind", kind}, {"message", message}, {"stack", stack}});
  }
  SIDECAR_LOCAL Self& layer(SpanLayer layer) noexcept {
    return edit([layer](Builder& b, std::uint32_t at) { b.spans[at].layer = static_cast<std::uint8_t>(layer); });
  }
  // Of SkyWalking's component-libraries.yml; 0: none.
  SIDECAR_LOCAL Self& component(int id) noexcept {
    return edit([id](Builder& b, std::uint32_t at) { b.spans[at].component = id; });
  }
  // Whom the span talks to, HOST:PORT as a rule. For entry spans: who called.
  SIDECAR_LOCAL Self& peer(std::string_view address) noexcept {
    return edit([&](Builder& b, std::uint32_t at) {
      b.spans[at].peer = b.add_text(address, ipc_protocol::kMaxPeer, b.core->cut());
    });
  }
  SIDECAR_LOCAL Self& operation(std::string_view name) noexcept {
    return edit([&](Builder& b, std::uint32_t at) {
      b.spans[at].operation = b.add_text(name, ipc_protocol::kMaxOperation, b.core->cut());
    });
  }
  // One more parent, as a consumer of batches has them.
  SIDECAR_LOCAL Self& ref(const Incoming& from) noexcept {
    return edit([&](Builder& b, std::uint32_t at) {
      if (from.bad_headers() > 0) b.core->count_bad_header();
      if (from.valid() && Access::context(from).sampled) continue_from(*b.core, b, at, from);
    });
  }
  // The collector shall store the span, but not count it.
  SIDECAR_LOCAL Self& skip_analysis() noexcept {
    return edit([](Builder& b, std::uint32_t at) { b.spans[at].skip_analysis = true; });
  }
  // Travels with the trace to all that come after; at most three keys, values of up to 128 characters.
  SIDECAR_LOCAL Self& correlation(std::string_view key, std::string_view value) noexcept {
    self().with_segment([&](Builder& b, std::uint32_t) { b.correlation.set(key, value); });
    return self();
  }
  // Empty if there is none.
  SIDECAR_LOCAL std::string correlation(std::string_view key) {
    std::string value;
    self().with_segment([&](Builder& b, std::uint32_t) { value = b.correlation.get(key); });
    return value;
  }
  // Calls set(name, value), both std::string_view, for each header that a request of this span shall carry. If the
  // trace is not sampled, the value of sw8 is empty: send it so. `set` may use this span, and throw.
  template <class Setter>
  SIDECAR_LOCAL void inject(Setter&& set) {
    HeaderTexts headers;
    Core* stranger = nullptr;
    const auto write = [&](Builder& b, std::uint32_t at) {
      if (stranger == nullptr && !b.core->introduced()) {
        stranger = b.core;
      } else {
        write_headers(b, at == kIgnoredSpan ? kNone : at, headers);
      }
    };
    self().with_segment(write);
    if (stranger != nullptr) {  // the answer may have come meanwhile; not asked for while the segment is held
      stranger->introduce();
      self().with_segment(write);
    }
    headers.hand_to(set);
  }
  // Empty if the trace is not sampled.
  SIDECAR_LOCAL std::string trace_id() {
    std::string id;
    self().with_segment([&](Builder& b, std::uint32_t) {
      if (b.ignored) return;
      id = b.trace.own() ? std::string(IdText(b.trace.parts).view()) : std::string(b.text.view(b.trace.text));
    });
    return id;
  }
  // This place in the trace, for another thread to go on from.
  SIDECAR_LOCAL Snapshot capture() noexcept {
    Snapshot snapshot{};
    self().with_segment(
        [&](Builder& b, std::uint32_t at) { snapshot = detail::capture(b, at < b.spans.size() ? at : b.current); });
    return snapshot;
  }

 private:
  SIDECAR_LOCAL static const Limits& limits(const Builder& b) noexcept { return b.core->config().limits; }
  SIDECAR_LOCAL Self& self() noexcept { return static_cast<Self&>(*this); }
  template <class F>
  SIDECAR_LOCAL Self& edit(F&& f) noexcept {
    self().with_segment([&](Builder& b, std::uint32_t at) {
      if (at < b.spans.size() && b.spans[at].open) f(b, at);
    });
    return self();
  }
};

}  // namespace detail

}  // namespace v1
}  // namespace sidecar
