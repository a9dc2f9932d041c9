#include "log/log.h"

#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "log/journal.h"
#include "log/line_writer.h"

namespace sidecar {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

// syslog's numbers, which the journal has as PRIORITY, or reads from "<N>" at the beginning of a line.
int to_priority(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return 3;
    case LogLevel::warning:
      return 4;
    case LogLevel::info:
      return 6;
    case LogLevel::debug:
      return 7;
  }
  return 6;
}

class Sink {
 public:
  Sink() : stderr_(STDERR_FILENO) {
    if (stderr_is_journal()) journal_.emplace();
  }

  void write(LogLevel level, const LogFields& fields, const std::source_location& where, std::string_view line) {
    const std::lock_guard lock(mutex_);
    // In the order in which it happened: a line that follows must not stand before the gap is told.
    if (tell_lost() && put(level, fields, where, line)) return;
    ++untold_;
    ++lost_;
  }

  void tell_lost_lines() {
    const std::lock_guard lock(mutex_);
    tell_lost();
  }

  std::atomic<LogLevel> level{LogLevel::info};
  std::uint64_t lost() const { return lost_; }

 private:
  bool tell_lost() {
    if (untold_ == 0) return true;
    const std::string told = fmt::format("{} lines of the log were lost: what takes it was full", untold_);
    if (put(LogLevel::warning, {.reason = "log_full"}, std::source_location::current(), told)) untold_ = 0;
    return untold_ == 0;
  }

  // False: there is no room for it.
  bool put(LogLevel level, const LogFields& fields, const std::source_location& where, std::string_view line) {
    if (!journal_) return stderr_.write(stamped(level, line));
    const auto sent = journal_->send(journal_entry(to_priority(level), line, fields, where));
    if (sent != JournalSocket::Sent::unreachable) return sent == JournalSocket::Sent::yes;
    // stderr is a stream to the same journal.
    return stderr_.write(fmt::format("<{}>{}\n", to_priority(level), line));
  }

  std::string stamped(LogLevel level, std::string_view line) {
    spdlog::memory_buf_t out;
    stamp_.format(spdlog::details::log_msg("", to_spdlog(level), {line.data(), line.size()}), out);
    return {out.data(), out.size()};
  }

  std::mutex mutex_;
  spdlog::pattern_formatter stamp_{"%Y-%m-%dT%H:%M:%S.%e%z %l %v"};
  LineWriter stderr_;
  std::optional<JournalSocket> journal_;
  std::uint64_t untold_ = 0;
  std::atomic<std::uint64_t> lost_{0};
};

// The one global of the daemon: everybody logs, and nobody's behaviour depends on it.
Sink& sink() {
  static Sink* const the_sink = new Sink;
  return *the_sink;
}

}  // namespace

void start_log(const LogOptions& options) { sink().level = options.level; }

bool log_enabled(LogLevel level) { return level <= sink().level; }

void write_log(LogLevel level, const LogFields& fields, const std::source_location& where, std::string_view message) {
  if (log_enabled(level)) sink().write(level, fields, where, printable(message, kMaxLogLine));
}

void tell_lost_log_lines() { sink().tell_lost_lines(); }

std::uint64_t lost_log_lines() { return sink().lost(); }

bool LogLimit::pass(Tick now) {
  if (now >= next_) {
    next_ = now + period_;
    passed_ = 0;
  }
  if (passed_ == burst_) {
    ++held_back_;
    return false;
  }
  ++passed_;
  suppressed_ = held_back_;
  held_back_ = 0;
  return true;
}

std::string LogLimit::suffix() const {
  return suppressed_ == 0 ? std::string() : fmt::format(" (suppressed {} like it)", suppressed_);
}

}  // namespace sidecar
