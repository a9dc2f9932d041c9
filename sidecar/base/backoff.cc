#include "base/backoff.h"

#include <algorithm>

namespace sidecar {

Duration Backoff::delay(unsigned attempt, Random& random) const {
  Duration full = std::min(first, max);
  for (unsigned i = 1; i < attempt && full < max; ++i) full = std::min(full * 2, max);
  const auto half = full / 2;
  return half + Duration(static_cast<Duration::rep>(random.fraction() * static_cast<double>((full - half).count())));
}

}  // namespace sidecar
