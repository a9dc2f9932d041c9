#pragma once

// What the programs of this folder share: work that a test knows again at the
// collector by the number in its tag `n`, and the account of what became of it.

#include <dirent.h>
#include <sidecar/shim.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

namespace sidecar_apps {

inline sidecar::Tracer open_tracer(const char* service, const char* socket = "") {
  sidecar::TracerOptions options;
  options.service = service;
  options.socket = socket;
  return sidecar::Tracer::open(options);
}

inline void finish(sidecar::Tracer tracer, unsigned long first, unsigned long count) {
  for (unsigned long n = first; n < first + count; ++n) {
    sidecar::Span span = tracer.entry("GET:/work");
    span.tag("n", static_cast<std::int64_t>(n));
  }
}

// One line of JSON; `more` are further members, each ending in a comma.
inline void print_account(sidecar::Tracer tracer, const std::string& more = {}) {
  const sidecar::Stats stats = tracer.stats();
  std::printf("{%s\"created\":%llu,\"waiting\":%llu,\"sent\":%llu,\"accepted\":%llu,\"dropped\":%llu}\n", more.c_str(),
              static_cast<unsigned long long>(stats.created), static_cast<unsigned long long>(stats.waiting),
              static_cast<unsigned long long>(stats.sent), static_cast<unsigned long long>(stats.accepted),
              static_cast<unsigned long long>(stats.dropped.total()));
  std::fflush(stdout);
}

// The descriptors that are open now, but for the one that looks.
inline std::set<int> open_descriptors() {
  std::set<int> numbers;
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') numbers.insert(std::atoi(entry->d_name));
  }
  numbers.erase(dirfd(directory));
  closedir(directory);
  return numbers;
}

}  // namespace sidecar_apps
