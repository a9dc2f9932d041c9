// The C API over the C++ shim: handles on the heap, no exception across the border.

#include "sidecar/shim_c.h"

#include <sidecar/shim.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <variant>

struct sw_tracer {
  sidecar::Tracer tracer;
};

struct sw_options {
  sidecar::TracerOptions options;
};

struct sw_span {
  explicit sw_span(sidecar::Span begun) noexcept : span(std::move(begun)) {}
  explicit sw_span(sidecar::AsyncSpan begun) noexcept : span(std::move(begun)) {}
  std::variant<sidecar::Span, sidecar::AsyncSpan> span;
};

struct sw_snapshot {
  sidecar::Snapshot snapshot;
};

namespace {

std::string_view view(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// What `work` returns; `otherwise` when there is no memory.
template <class T, class Work>
T guarded(T otherwise, Work&& work) noexcept {
  try {
    return work();
  } catch (...) {
    return otherwise;
  }
}

template <class Work>
void guarded(Work&& work) noexcept {
  try {
    work();
  } catch (...) {  // no memory: it stays unsaid
  }
}

// Calls work(span) with the span of either kind, if there is one.
template <class Work>
void with(sw_span* span, Work&& work) noexcept {
  if (span != nullptr) guarded([&] { std::visit(work, span->span); });
}

sidecar::Incoming incoming(const sw_headers* from) {
  if (from == nullptr) return {};
  return sidecar::Incoming::read([from](std::string_view name) {
    if (name == "sw8") return view(from->sw8);
    if (name == "sw8-correlation") return view(from->sw8_correlation);
    return name == "sw8-x" ? view(from->sw8_x) : std::string_view();
  });
}

// A handle for what begin() begins.
template <class Begin>
sw_span* begun(const sw_tracer* tracer, Begin&& begin) noexcept {
  if (tracer == nullptr) return nullptr;
  return guarded<sw_span*>(nullptr, [&] {
    sidecar::Tracer copy = tracer->tracer;
    return new sw_span(begin(copy));
  });
}

// As snprintf.
int put(std::string_view text, char* buffer, std::size_t size) noexcept {
  if (buffer != nullptr && size > 0) {
    const std::size_t length = std::min(text.size(), size - 1);
    if (length > 0) std::memcpy(buffer, text.data(), length);
    buffer[length] = 0;
  }
  return static_cast<int>(text.size());
}

template <class Number>
bool set_number(std::string_view text, Number& field) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), field);
  return error == std::errc() && end == text.data() + text.size();
}

bool set_option(sidecar::TracerOptions& options, std::string_view name, std::string_view value) {
  if (name == "instance") return options.instance = value, true;
  if (name == "layer") return options.layer = value, true;
  if (name == "socket") return options.socket = value, true;
  if (name == "buffer_bytes") return set_number(value, options.buffer_bytes);
  if (name == "span_limit") return set_number(value, options.span_limit);
  if (name == "value_limit") return set_number(value, options.value_limit);
  if (name == "trusted_uid") return set_number(value, options.trusted_uid);
  long long milliseconds = 0;
  if (name != "exit_flush_ms" || !set_number(value, milliseconds)) return false;
  options.exit_flush = std::chrono::milliseconds(milliseconds);
  return true;
}

}  // namespace

extern "C" {

sw_tracer* sw_open(const char* service) { return sw_open_with(sw_options_new(service)); }

sw_options* sw_options_new(const char* service) {
  return guarded<sw_options*>(nullptr, [&] {
    auto options = std::make_unique<sw_options>();
    options->options.service = view(service);
    return options.release();
  });
}

int sw_options_set(sw_options* options, const char* name, const char* value) {
  if (options == nullptr) return -1;
  return guarded(-1, [&] { return set_option(options->options, view(name), view(value)) ? 0 : -1; });
}

void sw_options_property(sw_options* options, const char* key, const char* value) {
  if (options == nullptr) return;
  guarded([&] { options->options.property(std::string(view(key)), std::string(view(value))); });
}

sw_tracer* sw_open_with(sw_options* options) {
  const std::unique_ptr<sw_options> owned(options);
  if (options == nullptr) return nullptr;
  return guarded<sw_tracer*>(nullptr, [&] {
    auto tracer = std::make_unique<sw_tracer>();
    tracer->tracer = sidecar::Tracer::open(options->options);
    return tracer->tracer.opened() ? tracer.release() : nullptr;
  });
}

void sw_close(sw_tracer* tracer) { delete tracer; }

sw_span* sw_entry(sw_tracer* tracer, const char* operation, const sw_headers* from) {
  return begun(tracer, [&](sidecar::Tracer& t) { return t.entry(view(operation), incoming(from)); });
}
sw_span* sw_exit(sw_tracer* tracer, const char* operation, const char* peer) {
  return begun(tracer, [&](sidecar::Tracer& t) { return t.exit(view(operation), view(peer)); });
}
sw_span* sw_local(sw_tracer* tracer, const char* operation) {
  return begun(tracer, [&](sidecar::Tracer& t) { return t.local(view(operation)); });
}
sw_span* sw_local_from(sw_tracer* tracer, const char* operation, const sw_snapshot* from) {
  if (from == nullptr) return sw_local(tracer, operation);
  return begun(tracer, [&](sidecar::Tracer& t) { return t.local(view(operation), from->snapshot); });
}
sw_span* sw_start_entry(sw_tracer* tracer, const char* operation, const sw_headers* from) {
  return begun(tracer, [&](sidecar::Tracer& t) { return t.start_entry(view(operation), incoming(from)); });
}
sw_span* sw_start_local(sw_tracer* tracer, const char* operation, const sw_snapshot* from) {
  return begun(tracer, [&](sidecar::Tracer& t) {
    return from == nullptr ? t.start_local(view(operation)) : t.start_local(view(operation), from->snapshot);
  });
}
sw_span* sw_child_exit(sw_span* parent, const char* operation, const char* peer) {
  auto* const span = parent == nullptr ? nullptr : std::get_if<sidecar::AsyncSpan>(&parent->span);
  if (span == nullptr) return nullptr;
  return guarded<sw_span*>(nullptr, [&] { return new sw_span(span->child_exit(view(operation), view(peer))); });
}
sw_span* sw_child_local(sw_span* parent, const char* operation) {
  auto* const span = parent == nullptr ? nullptr : std::get_if<sidecar::AsyncSpan>(&parent->span);
  if (span == nullptr) return nullptr;
  return guarded<sw_span*>(nullptr, [&] { return new sw_span(span->child_local(view(operation))); });
}

void sw_end(sw_span* span) { delete span; }

int sw_recorded(const sw_span* span) {
  return span != nullptr && std::visit([](const auto& s) { return static_cast<bool>(s); }, span->span) ? 1 : 0;
}

void sw_tag(sw_span* span, const char* key, const char* value) {
  with(span, [&](auto& s) { s.tag(view(key), view(value)); });
}
void sw_tag_int(sw_span* span, const char* key, int64_t value) {
  with(span, [&](auto& s) { s.tag(view(key), value); });
}
void sw_log(sw_span* span, const char* const* keys, const char* const* values, size_t count) {
  if (keys == nullptr || values == nullptr) return;
  with(span, [&](auto& s) {
    const auto field = [&](std::size_t i) { return std::pair(view(keys[i]), view(values[i])); };
    s.log(count, field);
  });
}
void sw_error(sw_span* span, const char* kind, const char* message, const char* stack) {
  with(span, [&](auto& s) {
    if (kind == nullptr && message == nullptr && stack == nullptr) return void(s.error());
    s.error(view(kind), view(message), view(stack));
  });
}
void sw_layer(sw_span* span, int layer) {
  const bool known = layer >= 0 && layer <= static_cast<int>(sidecar::SpanLayer::faas);
  with(span, [&](auto& s) { s.layer(known ? static_cast<sidecar::SpanLayer>(layer) : sidecar::SpanLayer::unknown); });
}
void sw_component(sw_span* span, int component) {
  with(span, [&](auto& s) { s.component(component); });
}
void sw_peer(sw_span* span, const char* peer) {
  with(span, [&](auto& s) { s.peer(view(peer)); });
}
void sw_operation(sw_span* span, const char* operation) {
  with(span, [&](auto& s) { s.operation(view(operation)); });
}
void sw_correlation(sw_span* span, const char* key, const char* value) {
  with(span, [&](auto& s) { s.correlation(view(key), view(value)); });
}
void sw_ref(sw_span* span, const sw_headers* from) {
  with(span, [&](auto& s) { s.ref(incoming(from)); });
}
void sw_skip_analysis(sw_span* span) {
  with(span, [](auto& s) { s.skip_analysis(); });
}

void sw_inject(sw_span* span, void (*set)(void* data, const char* name, const char* value), void* data) {
  if (set == nullptr) return;
  with(span, [&](auto& s) {
    s.inject([&](std::string_view name, std::string_view value) {
      set(data, std::string(name).c_str(), std::string(value).c_str());
    });
  });
}
int sw_header(sw_span* span, const char* name, char* buffer, size_t size) {
  int length = -1;
  if (buffer != nullptr && size > 0) buffer[0] = 0;
  with(span, [&](auto& s) {
    s.inject([&](std::string_view each, std::string_view value) {
      if (each == view(name)) length = put(value, buffer, size);
    });
  });
  return length;
}
int sw_trace_id(sw_span* span, char* buffer, size_t size) {
  int length = put({}, buffer, size);
  with(span, [&](auto& s) { length = put(s.trace_id(), buffer, size); });
  return length;
}

sw_snapshot* sw_capture(sw_tracer* tracer) {
  if (tracer == nullptr) return nullptr;
  return guarded<sw_snapshot*>(nullptr, [&]() -> sw_snapshot* {
    const sidecar::Snapshot snapshot = tracer->tracer.capture();
    return snapshot ? new sw_snapshot{snapshot} : nullptr;
  });
}
sw_snapshot* sw_capture_span(sw_span* span) {
  sw_snapshot* captured = nullptr;
  with(span, [&](auto& s) {
    const sidecar::Snapshot snapshot = s.capture();
    if (snapshot) captured = new sw_snapshot{snapshot};
  });
  return captured;
}
void sw_snapshot_free(sw_snapshot* snapshot) { delete snapshot; }

int sw_enabled(sw_tracer* tracer) { return tracer != nullptr && tracer->tracer.enabled() ? 1 : 0; }
int sw_flush(sw_tracer* tracer, int milliseconds) {
  return tracer == nullptr || tracer->tracer.flush(std::chrono::milliseconds(milliseconds)) ? 1 : 0;
}
int sw_fd(sw_tracer* tracer) { return tracer == nullptr ? -1 : tracer->tracer.fd(); }
void sw_on_idle(sw_tracer* tracer) {
  if (tracer != nullptr) tracer->tracer.on_idle();
}

void sw_get_stats(sw_tracer* tracer, sw_stats* stats, size_t size) {
  if (stats == nullptr) return;
  sw_stats all{};
  if (tracer != nullptr) {
    const sidecar::Stats s = tracer->tracer.stats();
    all = {s.created, s.waiting, s.sent, s.dropped.total(), s.accepted, s.settled, s.unsampled, s.ignored, s.misused};
  }
  std::memset(stats, 0, size);
  std::memcpy(stats, &all, std::min(size, sizeof all));
}

const char* sw_version(void) { return SW_SIDECAR_VERSION; }

}  // extern "C"
