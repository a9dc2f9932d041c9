#pragma once

// Config is TracerOptions made whole: defaults and environment filled in, every number
// and text within what the sidecar takes. Made once by Tracer::open(), then constant.

#include <cstdint>
#include <string>

#include "sidecar/detail/builder.h"
#include "sidecar/detail/control_writer.h"
#include "sidecar/detail/options.h"
#include "sidecar/detail/process.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct Config {
  TracerOptions options;  // texts cleaned and cut
  Limits limits;
  std::size_t buffer_bytes = 0;
  std::int64_t exit_flush_ms = 0;
  std::string default_instance;  // until the sidecar tells another
  std::string exe;
  std::int64_t start_time_us = 0;
};

// Without what a collector or the sidecar refuses: control characters, and what is not UTF-8, become '?'.
inline std::string clean_name(const std::string& name, std::size_t max) {
  std::string out(cut_text(name, max));
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t length = utf8_length(out, at);
    const auto byte = static_cast<unsigned char>(out[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) out[at] = '?';
    at += length == 0 ? 1 : length;
  }
  return out;
}

template <class Number>
constexpr Number within(Number least, Number value, Number most) noexcept {
  return value < least ? least : value > most ? most : value;
}

inline Config make_config(const TracerOptions& from) {
  using namespace ipc_protocol;
  Config config;
  config.options = from;
  TracerOptions& o = config.options;
  if (o.service.empty()) o.service = environment("SW_SIDECAR_SERVICE");
  if (o.socket.empty()) o.socket = environment("SW_SIDECAR_SOCKET");
  if (o.socket.empty()) o.socket = "/run/sw-sidecar/ingest.v1.sock";
  o.service = clean_name(o.service, kMaxName);
  o.instance = clean_name(o.instance, kMaxName);
  o.layer = clean_name(o.layer, kMaxName);
  for (auto& property : o.properties) {
    property.first = clean_name(property.first, kMaxPropertyKey);
    property.second = clean_name(property.second, kMaxPropertyValue);
  }
  config.limits.spans = within(1u, o.span_limit, kMaxSpans);
  config.limits.tags = within(0u, o.tag_limit, kMaxTagsPerSpan);
  config.limits.logs = within(0u, o.log_limit, kMaxLogsPerSpan);
  config.limits.value = within(std::size_t{0}, o.value_limit, kMaxValue);
  constexpr std::size_t kPage = 64 * 1024;
  config.buffer_bytes = within(std::size_t{256} << 10, o.buffer_bytes, std::size_t{16} << 20) / kPage * kPage;
  config.exit_flush_ms = within(std::int64_t{0}, std::int64_t{o.exit_flush.count()}, std::int64_t{10'000});
  config.default_instance = cut_text(o.service + "@" + host_name(), kMaxName);
  char exe[1025];
  const ssize_t length = ::readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (length > 0) config.exe = clean_name(std::string(exe, static_cast<std::size_t>(length)), sizeof exe - 1);
  config.start_time_us = process_start_us();
  return config;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
