#pragma once

// Every environment variable that sw-sidecar's programs and the shim know: those that set a
// key, and the others. The documentation's table is printed from it (conf/environment.md,
// `sw-sidecar --print-environment`), and a test compares it with what the sources read.

#include <string>
#include <vector>

namespace sidecar {

// One that sets no key of the configuration.
struct OtherVariable {
  std::string name;
  std::string reader;    // "applications", "sidecarctl" or "sw-sidecar"
  std::string setting;   // what it stands for there; may be empty
  std::string fallback;  // what counts without it
  std::string sentence;
};

const std::vector<OtherVariable>& other_variables();

// The whole registry as a document in Markdown.
std::string environment_document();

}  // namespace sidecar
