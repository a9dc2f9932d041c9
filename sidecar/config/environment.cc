#include "config/environment.h"

#include <unistd.h>

#include <string_view>

namespace sidecar {

Environment Environment::read() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    // As getenv does: the first of two of the same name counts.
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Environment(std::move(variables));
}

}  // namespace sidecar
