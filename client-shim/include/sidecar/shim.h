#pragma once

// SkyWalking tracing for a C++17 program: include this, open a tracer, describe what
// you do with spans. Finished segments go to the sidecar of this host, which knows the
// collector; nothing has to be linked, no thread is started, no call blocks.
//
//   sidecar::Tracer tracer = sidecar::Tracer::open(options);     // options.service = "orders"
//   sidecar::Span span = tracer.entry("GET:/orders", headers);   // ends with its scope
//   span.tag("http.method", "GET").layer(sidecar::SpanLayer::http);
//
// Every handle may be null (no service name, tracing off, sidecar away for long), and
// then does nothing: no call ever fails. What is recorded is in Tracer::stats().
// README.md beside this folder says more.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// All of this belongs to this shared object alone (detail/local.h).
#pragma GCC visibility push(hidden)

#include "sidecar/detail/async_span.h"
#include "sidecar/detail/incoming.h"
#include "sidecar/detail/options.h"
#include "sidecar/detail/span.h"
#include "sidecar/detail/state.h"
#include "sidecar/detail/stats.h"
#include "sidecar/detail/trace.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {

// A handle: copy it freely. What it leads to lives for ever, so it may be used from any thread at any time, also after
// main(), and in a child after a fork.
class SIDECAR_VISIBLE Tracer {
 public:
  // Disabled: spans of it are null.
  SIDECAR_LOCAL Tracer() noexcept = default;

  // Disabled if there is no service name. Connects when the first segment begins. Each call makes a tracer of its
  // own: open one at the start of the program.
  SIDECAR_LOCAL static Tracer open(const TracerOptions& options) noexcept {
#if defined(__cpp_exceptions)
    try {
      return Tracer(detail::open_state(options));
    } catch (...) {  // out of memory
      return Tracer();
    }
#else
    return Tracer(detail::open_state(options));
#endif
  }

  // Something that others asked of this process. `from`: where the trace comes from. Inside another span of this
  // thread it becomes a part of that one's segment.
  SIDECAR_LOCAL Span entry(std::string_view operation) noexcept {
    return begin(detail::SpanKind::entry, operation, {}, nullptr);
  }
  SIDECAR_LOCAL Span entry(std::string_view operation, const Incoming& from) noexcept {
    return begin(detail::SpanKind::entry, operation, {}, &from);
  }
  // `header` as in Incoming::read().
  template <class Getter, std::enable_if_t<std::is_invocable_v<Getter&, std::string_view>, int> = 0>
  SIDECAR_LOCAL Span entry(std::string_view operation, Getter&& header) {
    return entry(operation, Incoming::read(header));
  }
  // A call to others, who are at `peer`; see Span::inject().
  SIDECAR_LOCAL Span exit(std::string_view operation, std::string_view peer) noexcept {
    return begin(detail::SpanKind::exit, operation, peer, nullptr);
  }
  SIDECAR_LOCAL Span local(std::string_view operation) noexcept {
    return begin(detail::SpanKind::local, operation, {}, nullptr);
  }
  // Work that another thread handed over: always a segment of its own, which names that thread's as its parent.
  SIDECAR_LOCAL Span local(std::string_view operation, const Snapshot& from) noexcept {
    detail::Core* const core = this->core();
    if (core == nullptr) return {};
    return begin_segment(*core, detail::SpanKind::local, operation, {}, nullptr, &from);
  }

  // The same for code that does not stay on a thread: always segments of their own.
  SIDECAR_LOCAL AsyncSpan start_entry(std::string_view operation) noexcept {
    return start(detail::SpanKind::entry, operation, {}, nullptr, nullptr);
  }
  SIDECAR_LOCAL AsyncSpan start_entry(std::string_view operation, const Incoming& from) noexcept {
    return start(detail::SpanKind::entry, operation, {}, &from, nullptr);
  }
  SIDECAR_LOCAL AsyncSpan start_local(std::string_view operation) noexcept {
    return start(detail::SpanKind::local, operation, {}, nullptr, nullptr);
  }
  SIDECAR_LOCAL AsyncSpan start_local(std::string_view operation, const Snapshot& from) noexcept {
    return start(detail::SpanKind::local, operation, {}, nullptr, &from);
  }
  SIDECAR_LOCAL AsyncSpan start_exit(std::string_view operation, std::string_view peer) noexcept {
    return start(detail::SpanKind::exit, operation, peer, nullptr, nullptr);
  }

  // This thread's innermost span, to add something to it; null if there is none. Its end is not ours.
  SIDECAR_LOCAL Span current() noexcept {
    detail::Core* const core = this->core();
    detail::Builder* const b = core == nullptr ? nullptr : detail::current_segment(*core);
    if (b == nullptr) return {};
    return Span(b, b->ignored ? detail::kIgnoredSpan : b->current, false);
  }
  // Where this thread is in a trace; see local(). Empty if it is in none.
  SIDECAR_LOCAL Snapshot capture() noexcept { return current().capture(); }

  // Whether there was a service name when it was opened, and memory.
  SIDECAR_LOCAL bool opened() const noexcept { return state_ != nullptr; }
  // Whether spans are recorded at the moment.
  SIDECAR_LOCAL bool enabled() noexcept {
    detail::Core* const core = this->core();
    return core != nullptr && core->recording();
  }

  // Sends what waits. True: the sidecar has taken over all that was finished before. Waits for that, at most
  // `deadline`; this is the one call that does.
  SIDECAR_LOCAL bool flush(std::chrono::milliseconds deadline) noexcept {
    detail::Core* const core = this->core();
    return core == nullptr || core->flush(deadline.count(), false);
  }
  // For programs with a loop of their own: the connection, -1 if there is none; readable means that on_idle() has
  // something to do. It may change with every call; never read from it, never close it.
  SIDECAR_LOCAL int fd() noexcept {
    detail::Core* const core = this->core();
    return core == nullptr ? -1 : core->fd();
  }
  // Sends what waits and reads what came. Never waits itself. Good to call when a burst is over.
  SIDECAR_LOCAL void on_idle() noexcept {
    if (detail::Core* const core = this->core()) core->drain(detail::Intake::kLook | detail::Intake::kRead);
  }

  SIDECAR_LOCAL Stats stats() noexcept {
    detail::Core* const core = this->core();
    return core == nullptr ? Stats() : core->stats();
  }

 private:
  SIDECAR_LOCAL explicit Tracer(detail::State* state) noexcept : state_(state) {}
  SIDECAR_LOCAL detail::Core* core() noexcept {
    return state_ == nullptr ? nullptr : static_cast<detail::State*>(state_)->core();
  }

  SIDECAR_LOCAL Span begin(detail::SpanKind kind, std::string_view operation, std::string_view peer,
                           const Incoming* from) noexcept {
    detail::Core* const core = this->core();
    if (core == nullptr) return {};
    detail::Builder* const b = detail::current_segment(*core);
    if (b == nullptr) return begin_segment(*core, kind, operation, peer, from, nullptr);
    Span span = begin_inside(*core, *b, kind, operation, peer);
    if (from != nullptr) span.ref(*from);
    return span;
  }

  SIDECAR_LOCAL static Span begin_segment(detail::Core& core, detail::SpanKind kind, std::string_view operation,
                                          std::string_view peer, const Incoming* from,
                                          const Snapshot* snapshot) noexcept {
    detail::Builder* const b = detail::begin_segment(core, operation, from, snapshot);
    if (b == nullptr) return {};
    b->owner = &detail::thread_context;
    b->below = detail::thread_context.top;
    detail::thread_context.top = b;
    Span span = begin_inside(core, *b, kind, operation, peer);
    continue_from(core, *b, span.index_, from, snapshot);
    if (span.index_ == detail::kNone) detail::complete_empty(*b);
    return span;
  }

  SIDECAR_LOCAL static Span begin_inside(detail::Core& core, detail::Builder& b, detail::SpanKind kind,
                                         std::string_view operation, std::string_view peer) noexcept {
    const std::uint32_t index = detail::begin_span(core, b, kind, operation, b.current);
    set_peer(core, b, index, peer);
    if (index < b.spans.size()) b.current = index;
    return Span(&b, index, true);
  }

  SIDECAR_LOCAL AsyncSpan start(detail::SpanKind kind, std::string_view operation, std::string_view peer,
                                const Incoming* from, const Snapshot* snapshot) noexcept {
    detail::Core* const core = this->core();
    detail::Builder* const b = core == nullptr ? nullptr : detail::begin_segment(*core, operation, from, snapshot);
    if (b == nullptr) return {};
    const std::uint32_t index = detail::begin_span(*core, *b, kind, operation, detail::kNone);
    set_peer(*core, *b, index, peer);
    continue_from(*core, *b, index, from, snapshot);
    AsyncSpan span(b, index);
    if (index == detail::kNone) detail::complete_empty(*b);
    return span;
  }

  SIDECAR_LOCAL static void set_peer(detail::Core& core, detail::Builder& b, std::uint32_t index,
                                     std::string_view peer) noexcept {
    if (index >= b.spans.size() || peer.empty()) return;
    b.spans[index].peer = b.add_text(peer, ipc_protocol::kMaxPeer, core.cut());
  }
  SIDECAR_LOCAL static void continue_from(detail::Core& core, detail::Builder& b, std::uint32_t index,
                                          const Incoming* from, const Snapshot* snapshot) noexcept {
    if (index >= b.spans.size()) return;
    if (from != nullptr && from->valid()) detail::continue_from(core, b, index, *from);
    if (snapshot != nullptr && *snapshot) detail::continue_from(core, b, index, *snapshot);
  }

  void* state_ = nullptr;  // detail::State, whose type is hidden, as this class is not
};

}  // namespace v1
}  // namespace sidecar

#pragma GCC visibility pop
