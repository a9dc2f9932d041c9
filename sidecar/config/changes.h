#pragma once

// What is different between the configuration in force and one that was just read, setting by setting, and
// what becomes of each: the table of keys says what can count at once and what needs a restart. A reload acts by this
// list and shows it, so what is said is what was done.
//
// No setting's value is a secret (those name files that hold one), so values are shown. Pure; any thread.

#include <string>
#include <vector>

#include "config/config.h"

namespace sidecar {

struct Change {
  enum class Fate {
    applied,
    needs_restart,
    overridden,  // a variable wins over the file, before and after
  };
  std::string path;
  std::string from;    // as Key::show(); overridden: what the file said
  std::string to;      // likewise
  std::string origin;  // of `to`: as LoadedConfig::origins, or "default"; overridden: of what stays in force
  Fate fate = Fate::applied;
  std::string why;  // needs_restart: why not now

  bool operator==(const Change&) const = default;
};

// "applied", "needs_restart", "overridden": for programs.
const char* to_text(Change::Fate fate);

// In the order of the table. `in_force.config` need not be what any file says: what an earlier reload could not apply
// is still its old value there, so it is named again until the daemon is restarted.
std::vector<Change> changes_between(const LoadedConfig& in_force, const LoadedConfig& loaded);

// `in_force` with what `changes` says is applied; the rest of what counts is as it was.
Config with_applied(Config in_force, const Config& loaded, const std::vector<Change>& changes);

// For people, one line: "batch.age: 250ms -> 1s (/etc/x.yaml:3:8)", and what became of it if it was not applied.
std::string sentence(const Change& change);

}  // namespace sidecar
