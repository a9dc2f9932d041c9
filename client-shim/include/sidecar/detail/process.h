#pragma once

// What the shim finds out about its process and host. Each is asked once, when a
// tracer is opened or after a fork; system calls, but nothing that blocks for long.
// Nothing here fails: what cannot be found out is empty or 0.

#include <fcntl.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "sidecar/detail/clock.h"
#include "sidecar/detail/fixed_text.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// Up to size - 1 bytes of a file of /proc, terminated; how many.
inline std::size_t read_small_file(const char* path, char* to, std::size_t size) noexcept {
  to[0] = 0;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = ::read(fd, to, size - 1);
  ::close(fd);
  const std::size_t length = got > 0 ? static_cast<std::size_t>(got) : 0;
  to[length] = 0;
  return length;
}

// Never 0. From the kernel, or, in the first moments of a boot, from what differs between processes.
inline std::uint64_t random_number() noexcept {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof number)) {
    number = static_cast<std::uint64_t>(monotonic_ns()) * 0x9E3779B97F4A7C15u ^
             static_cast<std::uint64_t>(realtime_us()) << 20 ^ static_cast<std::uint64_t>(::getpid()) << 40;
  }
  return number == 0 ? 1 : number;
}
inline std::int64_t random_id() noexcept {
  const auto id = static_cast<std::int64_t>(random_number() >> 1);
  return id == 0 ? 1 : id;
}

// A cheap sequence, good enough to spread retries.
inline std::uint64_t next_random(std::uint64_t& state) noexcept {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

inline std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == 0 || !clean_text(name)) return "unknown";
  return name;
}

// When this process began, in us since the epoch.
inline std::int64_t process_start_us() noexcept {
  char text[1024];
  read_small_file("/proc/self/stat", text, sizeof text);
  const char* at = std::strrchr(text, ')');  // the name before it may contain anything
  for (int field = 2; at != nullptr && field < 22; ++field) {
    at = std::strchr(at + 1, ' ');
  }
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  if (at == nullptr || ticks_per_second <= 0) return 0;
  const auto ticks = static_cast<std::int64_t>(std::strtoull(at + 1, nullptr, 10));
  const std::int64_t since_boot_us =
      ticks / ticks_per_second * 1'000'000 + ticks % ticks_per_second * 1'000'000 / ticks_per_second;
  return realtime_us() - read_clock_ns(CLOCK_BOOTTIME) / 1000 + since_boot_us;
}

// In a user namespace other users' ids all read as the overflow id.
inline bool in_user_namespace() noexcept {
  char text[256];
  if (read_small_file("/proc/self/uid_map", text, sizeof text) == 0) return false;
  unsigned long long inside = 0;
  unsigned long long outside = 0;
  unsigned long long count = 0;
  char* at = text;
  inside = std::strtoull(at, &at, 10);
  outside = std::strtoull(at, &at, 10);
  count = std::strtoull(at, &at, 10);
  return !(inside == 0 && outside == 0 && count == 4294967295u);
}
inline uid_t overflow_uid() noexcept {
  char text[32];
  if (read_small_file("/proc/sys/kernel/overflowuid", text, sizeof text) == 0) return 65534;
  return static_cast<uid_t>(std::strtoul(text, nullptr, 10));
}

// Of the environment, unless the program runs with more rights than its user.
inline std::string environment(const char* name) {
  const char* const value = ::secure_getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
