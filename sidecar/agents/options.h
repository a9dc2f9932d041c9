#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidecar {

// How services and instances are called; see conf/sidecar.yaml.
struct NamingOptions {
  std::string instance = "{service}@{host}";  // template of instance_template.h; empty: this
  std::string name_space;                     // at most kMaxNamePart characters without '|', may be empty
  std::string cluster;                        // likewise
};

// The Java agent cuts both to this; a longer one would be another name there.
inline constexpr std::size_t kMaxNamePart = 20;

// Why `text` cannot be NamingOptions::instance, as a sentence (invalid_argument).
Result<void> check_instance_template(std::string_view text);

}  // namespace sidecar
