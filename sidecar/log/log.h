#pragma once

// The daemon's log: one line per message, to the journal if stderr is connected to it, else to stderr,
// which the service manager keeps. Log a change of state, not every failed try; what a client or a collector can
// cause goes through a LogLimit, and what they have written through printable().
//
// Nothing here waits: a line that finds no room is lost, counted, and told of as soon as there is room again. Any
// thread. Before start_log() lines go out at level info.

#include <fmt/core.h>
#include <sys/types.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "log/options.h"

namespace sidecar {

// What a line is about, for those who filter the journal: SERVICE=, INSTANCE=, REASON=, COLLECTOR=, ERRNO=,
// CLIENT_PID=, CLIENT_UID=. What is empty or zero is left out. The line itself says it too, since stderr has the line
// only.
struct LogFields {
  std::string_view service{};
  std::string_view instance{};
  std::string_view reason{};     // of a drop or a refusal, as the counters name it
  std::string_view collector{};  // HOST:PORT
  int error = 0;                 // errno
  pid_t pid = 0;                 // of the client
  std::optional<uid_t> uid{};    // likewise
};

// Sets the level, also of a log that runs.
void start_log(const LogOptions& options);

bool log_enabled(LogLevel level);

// Writes one line, cut to kMaxLogLine bytes; control characters are escaped, in the fields too.
inline constexpr std::size_t kMaxLogLine = 1000;
void write_log(LogLevel level, const LogFields& fields, const std::source_location& where, std::string_view message);

// Tells of lines that were lost, if there is room now. To be called now and then.
void tell_lost_log_lines();
// Lines lost since the start.
std::uint64_t lost_log_lines();

// A format string that knows where it stands.
template <class... Args>
struct LogText {
  template <std::convertible_to<std::string_view> Text>
  consteval LogText(const Text& text, std::source_location here = std::source_location::current())
      : format(text), where(here) {}
  fmt::format_string<Args...> format;
  std::source_location where;
};
template <class... Args>
using LogTextFor = LogText<std::type_identity_t<Args>...>;

// Each with fields or without: log_warning({.service = name}, "{} is slow", printable(name)).
template <class... Args>
void log_at(LogLevel level, const LogFields& fields, const LogTextFor<Args...>& text, Args&&... args) {
  if (log_enabled(level)) write_log(level, fields, text.where, fmt::format(text.format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(const LogFields& fields, LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::error, fields, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::error, {}, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(const LogFields& fields, LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::warning, fields, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::warning, {}, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(const LogFields& fields, LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::info, fields, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::info, {}, text, std::forward<Args>(args)...);
}
template <class... Args>
void log_debug(LogTextFor<Args...> text, Args&&... args) {
  log_at<Args...>(LogLevel::debug, {}, text, std::forward<Args>(args)...);
}

// `text` as it may stand in a log line or on a terminal: valid UTF-8 stays, control
// characters (C0, C1, DEL), bidirectional overrides and broken bytes become \xNN;
// cut to `max` bytes of output, with "..." at the end where it was cut.
std::string printable(std::string_view text, std::size_t max = 128);

// Lets so many lines through per period, so that nobody can flood the log. One per
// call site, a member of whoever logs. Value type, its owner's thread.
class LogLimit {
 public:
  // `burst`: lines per period; several for changes of state, of which the last one should be told.
  explicit LogLimit(Duration period = std::chrono::minutes(1), unsigned burst = 1) : period_(period), burst_(burst) {}

  // Whether to log now. On true, suppressed() tells how many lines were held back since the last one.
  bool pass(Tick now);
  std::uint64_t suppressed() const { return suppressed_; }
  // The same as the end of a line: " (suppressed 3 like it)", "" if there were none.
  std::string suffix() const;

 private:
  Duration period_;
  unsigned burst_;
  Tick next_{};
  unsigned passed_ = 0;  // in this period
  std::uint64_t held_back_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace sidecar
