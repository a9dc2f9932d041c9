#include "log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "log/journal.h"

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

// syslog's numbers, which the journal reads from "<N>" at the beginning of a line.
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

struct Sink {
  Sink() : logger("sw-sidecar", std::make_shared<spdlog::sinks::stderr_sink_mt>()), journal(stderr_is_journal()) {
    logger.set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger;
  const bool journal;
};

// The one global of the daemon: everybody logs, and nobody's behaviour depends on it.
Sink& sink() {
  static Sink* const the_sink = new Sink;
  return *the_sink;
}

}  // namespace

void start_log(const LogOptions& options) { sink().logger.set_level(to_spdlog(options.level)); }

bool log_enabled(LogLevel level) { return sink().logger.should_log(to_spdlog(level)); }

void write_log(LogLevel level, std::string_view message) {
  Sink& out = sink();
  if (!out.logger.should_log(to_spdlog(level))) return;
  const std::string line = printable(message, kMaxLogLine);
  if (out.journal) {
    out.logger.log(to_spdlog(level), "<{}>{}", to_priority(level), line);
  } else {
    out.logger.log(to_spdlog(level), "{}", line);
  }
}

bool LogLimit::pass(Tick now) {
  if (now < next_) {
    ++held_back_;
    return false;
  }
  next_ = now + period_;
  suppressed_ = held_back_;
  held_back_ = 0;
  return true;
}

}  // namespace sidecar
