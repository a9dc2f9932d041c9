#pragma once

// The check of fuzz targets, which stays in every build.

#include <cstdio>
#include <cstdlib>

namespace sidecar {

inline void require(bool fact, const char* what = "what must hold does not") {
  if (fact) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace sidecar
