#pragma once

// What a fuzz target requires of text that the daemon keeps: bounded, and fit to be shown as it is.

#include <string>

#include "log/log.h"
#include "require.h"

namespace sidecar {

inline void require_shown(const std::string& text, std::size_t max) {
  require(text.size() <= max, "a text is too long");
  require(printable(text, max) == text, "a text cannot be shown as it is");
}

}  // namespace sidecar
