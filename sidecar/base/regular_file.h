#pragma once

// Reads a whole file of limited size, whatever stands at its path. Blocks on the disk for as long as a small file
// takes: for start-up, and for secrets that have changed.

#include <string>

#include "base/result.h"

namespace sidecar {

// Only a regular file of at most `max` bytes. Errors name the path.
Result<std::string> read_regular_file(const std::string& path, std::size_t max);

}  // namespace sidecar
