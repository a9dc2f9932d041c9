#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

namespace sidecar {
namespace {

// "PID (NAME) STATE PPID ...": the name may hold anything, so fields count from its last parenthesis.
std::uint64_t parse_start_ticks(std::string_view stat) {
  constexpr unsigned kFieldsAfterName = 20;  // it is the 22nd
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  stat.remove_prefix(name_end + 1);
  for (unsigned field = 0; field < kFieldsAfterName; ++field) {
    const std::size_t space = stat.find(' ');
    if (space == std::string_view::npos) return 0;
    stat.remove_prefix(space + 1);
  }
  std::uint64_t ticks = 0;
  const auto [end, error] = std::from_chars(stat.data(), stat.data() + stat.size(), ticks);
  return error == std::errc() ? ticks : 0;
}

}  // namespace

bool has_died(int process) {
  pollfd entry{process, POLLIN, 0};
  return poll(&entry, 1, 0) != 0;
}

std::uint64_t start_ticks_of(pid_t pid, int process) {
  if (pid <= 0 || process < 0) return 0;
  const ScopedFd file(open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return 0;
  std::array<char, 1024> text;
  ssize_t size = -1;
  do size = read(file.get(), text.data(), text.size());
  while (size < 0 && errno == EINTR);
  // Alive after it was read: the number was its own all the time.
  if (size <= 0 || has_died(process)) return 0;
  return parse_start_ticks({text.data(), static_cast<std::size_t>(size)});
}

ScopedFd open_process(pid_t pid, uid_t uid) {
  if (pid <= 0) return ScopedFd();
  ScopedFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return process;
  struct stat status = {};
  // A process that may not be dumped shows as root's; /proc may hide all but our own.
  const bool foreign =
      stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 && status.st_uid != uid && status.st_uid != 0;
  // Alive now, so the directory looked at was that of the process we hold.
  if (foreign || has_died(process.get())) process.reset();
  return process;
}

ScopedFd open_process(pid_t pid, uid_t uid, std::uint64_t start_ticks) {
  ScopedFd process = open_process(pid, uid);
  if (start_ticks == 0 || start_ticks_of(pid, process.get()) != start_ticks) process.reset();
  return process;
}

}  // namespace sidecar
