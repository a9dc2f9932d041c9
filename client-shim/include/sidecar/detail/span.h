#pragma once

// Span: the handle of code that stays on its thread. Null when there is nothing to
// describe, and then without effect.

#include <cstdint>
#include <string_view>
#include <utility>

#include "sidecar/detail/span_ops.h"

namespace sidecar {
inline namespace v1 {

class SIDECAR_VISIBLE Tracer;

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
      : builder_(builder), serial_(builder->serial.load(std::memory_order_relaxed)), index_(index), owning_(owning) {}

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

}  // namespace v1
}  // namespace sidecar
