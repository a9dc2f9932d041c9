#pragma once

// Span and AsyncSpan: the handles with which an application describes what it does.
// Both are null when there is nothing to describe (tracing off, limits, after a fork,
// after end()); every call on them is then without effect. Nothing here throws,
// blocks, or fails.

#include <pthread.h>

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sidecar/detail/local.h"
#include "sidecar/detail/trace.h"

namespace sidecar {
inline namespace v1 {

class SIDECAR_VISIBLE Tracer;
class SIDECAR_VISIBLE AsyncSpan;

// SkyWalking's numbers.
enum class SIDECAR_VISIBLE SpanLayer : std::uint8_t { unknown = 0, database = 1, rpc = 2, http = 3, mq = 4, cache = 5, faas = 6 };

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
      char text[24];
      const int length = std::is_signed_v<Number>
                             ? std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value))
                             : std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(value));
      return tag(key, std::string_view(text, static_cast<std::size_t>(length)));
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
  // Calls set(name, value), both std::string_view, for each header that a request of this span shall carry. If the trace
  // is not sampled, the value of sw8 is empty: send it so. `set` may use this span, and throw.
  template <class Setter>
  SIDECAR_LOCAL void inject(Setter&& set) {
    HeaderTexts headers;
    self().with_segment([&](Builder& b, std::uint32_t at) {
      write_headers(b, at == kIgnoredSpan ? kNone : at, headers);
    });
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
    self().with_segment([&](Builder& b, std::uint32_t at) {
      snapshot = detail::capture(b, at < b.spans.size() ? at : b.current);
    });
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

// A span on the stack of the thread that began it: what that thread begins before it ends is inside. It ends when
// it goes out of scope. May be moved; must not leave its thread (if another one ends it, its segment is finished at the
// first chance, and counted in Stats::misused).
class SIDECAR_VISIBLE Span : public detail::SpanOps<Span> {
 public:
  SIDECAR_LOCAL Span() noexcept = default;
  SIDECAR_LOCAL ~Span() { end(); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  SIDECAR_LOCAL Span(Span&& other) noexcept
      : builder_(std::exchange(other.builder_, nullptr)),
        serial_(other.serial_),
        index_(other.index_),
        owning_(other.owning_) {}
  SIDECAR_LOCAL Span& operator=(Span&& other) noexcept {
    if (this != &other) {
      end();
      builder_ = std::exchange(other.builder_, nullptr);
      serial_ = other.serial_;
      index_ = other.index_;
      owning_ = other.owning_;
    }
    return *this;
  }

  // Whether something is recorded.
  SIDECAR_LOCAL explicit operator bool() const noexcept {
    return builder_ != nullptr && index_ < detail::kIgnoredSpan && detail::is_live(builder(), serial_);
  }

  // Again, or out of order, is without harm.
  SIDECAR_LOCAL void end() noexcept {
    auto* const b = static_cast<detail::Builder*>(std::exchange(builder_, nullptr));
    if (b == nullptr || !owning_ || !detail::is_live(b, serial_)) return;
    if (b->owner != &detail::thread_context) {
      b->abandoned.store(true, std::memory_order_release);
      b->core->count_misuse();
      return;
    }
    if (index_ == detail::kIgnoredSpan) {
      --b->open;
    } else if (index_ != detail::kNone) {
      b->end_span(index_);
    } else {
      return;
    }
    if (b->open == 0) detail::complete(*b);
  }

 private:
  friend class Tracer;
  template <class>
  friend class detail::SpanOps;
  SIDECAR_LOCAL Span(detail::Builder* builder, std::uint32_t index, bool owning) noexcept
      : builder_(builder),
        serial_(builder->serial.load(std::memory_order_relaxed)),
        index_(index),
        owning_(owning) {}

  template <class F>
  SIDECAR_LOCAL void with_segment(F&& f) {
    if (builder_ == nullptr || !detail::is_live(builder(), serial_)) return;
    if (builder()->owner == &detail::thread_context) f(*builder(), index_);
  }

  SIDECAR_LOCAL detail::Builder* builder() const noexcept { return static_cast<detail::Builder*>(builder_); }

  void* builder_ = nullptr;  // whose type is hidden, as this class is not
  std::uint64_t serial_ = 0;
  std::uint32_t index_ = detail::kNone;
  bool owning_ = false;  // else it is a view of a span that somebody else ends
};

// A span that belongs to no thread, for code that goes on in callbacks: parents are told, not found. Any thread may
// use it, one at a time for one handle; several handles of a segment may be used at once. The segment is finished when the
// last of its spans has ended.
class SIDECAR_VISIBLE AsyncSpan : public detail::SpanOps<AsyncSpan> {
 public:
  SIDECAR_LOCAL AsyncSpan() noexcept = default;
  SIDECAR_LOCAL ~AsyncSpan() { end(); }
  AsyncSpan(const AsyncSpan&) = delete;
  AsyncSpan& operator=(const AsyncSpan&) = delete;
  SIDECAR_LOCAL AsyncSpan(AsyncSpan&& other) noexcept
      : builder_(std::exchange(other.builder_, nullptr)), serial_(other.serial_), index_(other.index_) {}
  SIDECAR_LOCAL AsyncSpan& operator=(AsyncSpan&& other) noexcept {
    if (this != &other) {
      end();
      builder_ = std::exchange(other.builder_, nullptr);
      serial_ = other.serial_;
      index_ = other.index_;
    }
    return *this;
  }

  SIDECAR_LOCAL explicit operator bool() const noexcept {
    return builder_ != nullptr && index_ < detail::kIgnoredSpan && detail::is_live(builder(), serial_);
  }

  SIDECAR_LOCAL AsyncSpan child_local(std::string_view operation) noexcept {
    return child(detail::SpanKind::local, operation, {});
  }
  SIDECAR_LOCAL AsyncSpan child_exit(std::string_view operation, std::string_view peer) noexcept {
    return child(detail::SpanKind::exit, operation, peer);
  }

  SIDECAR_LOCAL void end() noexcept {
    bool last = false;
    with_segment([&](detail::Builder& b, std::uint32_t at) {
      if (at == detail::kIgnoredSpan) {
        --b.open;
      } else if (at != detail::kNone && b.spans[at].open) {
        b.end_span(at);
      } else {
        return;
      }
      last = b.open == 0;
    });
    auto* const b = static_cast<detail::Builder*>(std::exchange(builder_, nullptr));
    if (last) detail::complete(*b);  // no other handle has an open span, so nobody else comes here
  }

 private:
  friend class Tracer;
  template <class>
  friend class detail::SpanOps;
  SIDECAR_LOCAL AsyncSpan(detail::Builder* builder, std::uint32_t index) noexcept
      : builder_(builder), serial_(builder->serial.load(std::memory_order_relaxed)), index_(index) {}

  SIDECAR_LOCAL AsyncSpan child(detail::SpanKind kind, std::string_view operation, std::string_view peer) noexcept {
    AsyncSpan span;
    with_segment([&](detail::Builder& b, std::uint32_t at) {
      const std::uint32_t parent = at < b.spans.size() ? at : 0;
      const std::uint32_t index = detail::begin_span(*b.core, b, kind, operation, parent);
      if (index < b.spans.size() && !peer.empty()) {
        b.spans[index].peer = b.add_text(peer, ipc_protocol::kMaxPeer, b.core->cut());
      }
      span = AsyncSpan(&b, index);
    });
    return span;
  }

  template <class F>
  SIDECAR_LOCAL void with_segment(F&& f) {
    if (builder_ == nullptr || !detail::is_live(builder(), serial_)) return;
    detail::Builder& b = *builder();
    const detail::BuilderLock lock(b);
    // one whose last span has ended is being finished, and does not come back
    if (b.serial.load(std::memory_order_relaxed) == serial_ && b.open > 0) f(b, index_);
  }

  SIDECAR_LOCAL detail::Builder* builder() const noexcept { return static_cast<detail::Builder*>(builder_); }

  void* builder_ = nullptr;  // whose type is hidden, as this class is not
  std::uint64_t serial_ = 0;
  std::uint32_t index_ = detail::kNone;
};

}  // namespace v1
}  // namespace sidecar
