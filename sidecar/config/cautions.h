#pragma once

// What is allowed and yet probably not meant: settings without effect, and files that the daemon is to read but could
// not. None of it keeps the daemon from starting, since a file may come later.

#include <string>
#include <vector>

#include "config/config.h"

namespace sidecar {

// One line each: "file:line:col: warning: key: what". `loaded` without errors. Pure.
std::vector<std::string> without_effect(const LoadedConfig& loaded);

// The same for the files that are in use, as the user who asks may read them. Reads them.
std::vector<std::string> unreadable_files(const LoadedConfig& loaded);

}  // namespace sidecar
