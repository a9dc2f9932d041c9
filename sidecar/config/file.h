#pragma once

// Reads a whole file of limited size, whatever stands at its path. Blocks on the disk: for start-up only.

#include <string>

#include "base/result.h"

namespace sidecar {

// Only a regular file of at most `max` bytes. Errors name the path and the remedy.
Result<std::string> read_regular_file(const std::string& path, std::size_t max);

}  // namespace sidecar
