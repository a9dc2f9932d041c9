#pragma once

// AsyncSpan: the handle of code that goes on elsewhere. Null when there is nothing to
// describe, and then without effect.

#include <cstdint>
#include <string_view>
#include <utility>

#include "sidecar/detail/span_ops.h"

namespace sidecar {
inline namespace v1 {

class SIDECAR_VISIBLE Tracer;

// A span that belongs to no thread, for code that goes on in callbacks: parents are told, not found. Any thread may
// use it, one at a time for one handle; several handles of a segment may be used at once. The segment is finished when
// the last of its spans has ended.
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
      if (last) b.serial.fetch_add(1, std::memory_order_release);  // whoever takes the lock next finds it gone
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
    if (b.serial.load(std::memory_order_relaxed) == serial_) f(b, index_);
  }

  SIDECAR_LOCAL detail::Builder* builder() const noexcept { return static_cast<detail::Builder*>(builder_); }

  void* builder_ = nullptr;  // whose type is hidden, as this class is not
  std::uint64_t serial_ = 0;
  std::uint32_t index_ = detail::kNone;
};

}  // namespace v1
}  // namespace sidecar
