#pragma once

// A thin door to spdlog: one line per message on stderr, which the service
// manager keeps. Log a change of state, not every failed try; what a client can
// cause goes through a LogLimit, and what a client has written through printable().
//
// Any thread. Before start_log() lines go out at level info.

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "log/options.h"

namespace sidecar {

// Sets the level. Under systemd (stderr is the journal) lines carry the
// journal's priority prefix and no time of their own.
void start_log(const LogOptions& options);

bool log_enabled(LogLevel level);

// Writes one line, cut to kMaxLogLine bytes; control characters are escaped.
inline constexpr std::size_t kMaxLogLine = 1000;
void write_log(LogLevel level, std::string_view message);

template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::debug)) write_log(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}

// `text` as it may stand in a log line or on a terminal: valid UTF-8 stays, control
// characters (C0, C1, DEL), bidirectional overrides and broken bytes become \xNN;
// cut to `max` bytes of output, with "..." at the end where it was cut.
std::string printable(std::string_view text, std::size_t max = 128);

// Lets one line through per period, so that nobody can flood the log. One per
// call site, a member of whoever logs. Value type, its owner's thread.
class LogLimit {
 public:
  explicit LogLimit(Duration period = std::chrono::minutes(1)) : period_(period) {}

  // Whether to log now. On true, suppressed() tells how many lines were held back since the last one.
  bool pass(Tick now);
  std::uint64_t suppressed() const { return suppressed_; }

 private:
  Duration period_;
  Tick next_{};
  std::uint64_t held_back_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace sidecar
