#include "config/key_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/registry.h"
#include "config/text.h"

namespace sidecar {
namespace {

std::string mean(const std::string& near) { return near.empty() ? "" : fmt::format(", did you mean '{}'?", near); }

}  // namespace

bool is_section(const std::string& path) {
  const auto& keys = config_keys();
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.path.starts_with(path + "."); });
}

std::vector<std::string> keys_below(const std::string& prefix) {
  std::vector<std::string> names;
  for (const Key& key : config_keys()) {
    if (!key.path.starts_with(prefix)) continue;
    const std::string rest = key.path.substr(prefix.size());
    const std::string name = rest.substr(0, rest.find('.'));
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

const Key* key_of_variable(const std::string& variable) {
  const auto& keys = config_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.variable() == variable; });
  return found == keys.end() ? nullptr : &*found;
}

// A neighbour of nearly this name, or a key of this name in another place.
std::string meant_key(const std::string& given, const std::string& prefix) {
  const std::vector<std::string> neighbours = keys_below(prefix);
  if (const std::string near = nearest(given, neighbours); !near.empty()) return mean(prefix + near);
  for (const Key& key : config_keys())
    if (key.path.ends_with("." + given)) return mean(key.path);
  if (prefix.empty()) return fmt::format("; there are {}", fmt::join(neighbours, ", "));
  return fmt::format("; below {} there are {}", prefix.substr(0, prefix.size() - 1), fmt::join(neighbours, ", "));
}

std::string meant_variable(const std::string& given) {
  std::vector<std::string> known;
  for (const OtherVariable& other : other_variables())
    if (other.name.starts_with(kVariablePrefix)) known.push_back(other.name);
  for (const Key& key : config_keys()) known.push_back(key.variable());
  return mean(nearest(given, known));
}

}  // namespace sidecar
