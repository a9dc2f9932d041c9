#include "config/changes.h"

#include <fmt/format.h>

#include "config/keys.h"
#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxShown = 200;  // of a value in a sentence

std::string in_file(const LoadedConfig& loaded, const Key& key) {
  const auto found = loaded.overridden.find(key.path);
  return found == loaded.overridden.end() ? key.default_value() : found->second;
}

std::string shown(const std::string& value) { return value.empty() ? "\"\"" : harmless(value, kMaxShown); }

}  // namespace

const char* to_text(Change::Fate fate) {
  switch (fate) {
    case Change::Fate::applied:
      return "applied";
    case Change::Fate::needs_restart:
      return "needs_restart";
    case Change::Fate::overridden:
      return "overridden";
  }
  return "?";
}

std::vector<Change> changes_between(const LoadedConfig& in_force, const LoadedConfig& loaded) {
  std::vector<Change> all;
  for (const Key& key : config_keys()) {
    const auto found = loaded.origins.find(key.path);
    const std::string origin = found == loaded.origins.end() ? "default" : found->second;
    Change change{key.path, key.show(in_force.config), key.show(loaded.config), origin, Change::Fate::applied, {}};
    if (change.from != change.to) {
      if (key.effect.when != Effect::When::reload) {
        change.fate = Change::Fate::needs_restart;
        change.why = key.effect.why;
      }
      all.push_back(std::move(change));
    } else if (in_file(in_force, key) != in_file(loaded, key)) {
      all.push_back({key.path, in_file(in_force, key), in_file(loaded, key), origin, Change::Fate::overridden, {}});
    }
  }
  return all;
}

Config with_applied(Config in_force, const Config& loaded, const std::vector<Change>& changes) {
  for (const Change& change : changes)
    if (change.fate == Change::Fate::applied) find_key(change.path)->copy(loaded, in_force);
  return in_force;
}

std::string sentence(const Change& change) {
  const std::string what =
      fmt::format("{}: {} -> {} ({})", change.path, shown(change.from), shown(change.to), change.origin);
  switch (change.fate) {
    case Change::Fate::applied:
      return what;
    case Change::Fate::needs_restart:
      return what + " needs a restart: " + change.why;
    case Change::Fate::overridden:
      return fmt::format("{}: {} -> {} in the file, which does not count: {} wins over it", change.path,
                         shown(change.from), shown(change.to), change.origin);
  }
  return what;
}

}  // namespace sidecar
