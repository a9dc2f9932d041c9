#pragma once

// CPU time of this process, and medians.

#include <sys/resource.h>

#include <algorithm>
#include <vector>

namespace sidecar::bench {

inline double cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Run>
double per_segment(std::size_t segments, const Run& run) {
  const double before = cpu_ns();
  run();
  return (cpu_ns() - before) / static_cast<double>(segments);
}

}  // namespace sidecar::bench
