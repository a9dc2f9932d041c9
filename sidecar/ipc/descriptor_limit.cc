#include "ipc/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace sidecar {

unsigned long raise_descriptor_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

unsigned connections_within_limit() {
  constexpr rlim_t kOthers = 256;
  constexpr rlim_t kPerConnection = 4;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOthers + kPerConnection) return 1;
  return static_cast<unsigned>(
      std::min<rlim_t>((limit.rlim_cur - kOthers) / kPerConnection, std::numeric_limits<unsigned>::max()));
}

}  // namespace sidecar
