#include "lifecycle/reload.h"

#include <algorithm>
#include <utility>

#include "config/cautions.h"
#include "log/log.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxLoggedErrors = 20;
constexpr std::size_t kMaxKeptErrors = 50;

}  // namespace

Reload::Reload(LoadedConfig in_force, EventLoop& loop, Load load, Apply apply)
    : in_force_(std::move(in_force)),
      loop_(loop),
      load_(std::move(load)),
      apply_(std::move(apply)),
      timer_(loop.make_timer([this] { run(); })) {
  status_.loaded = loop.now();
}

Reload::Outcome Reload::run() {
  if (listener_ != nullptr) listener_->on_reload_begins();
  const Outcome outcome = load_and_apply();
  note(outcome);
  if (listener_ != nullptr) listener_->on_reload_ends(outcome);
  return outcome;
}

Reload::Outcome Reload::load_and_apply() {
  LoadedConfig loaded = load_();
  if (!loaded.errors.empty()) {
    const std::size_t more = loaded.errors.size() - std::min(loaded.errors.size(), kMaxKeptErrors);
    loaded.errors.resize(loaded.errors.size() - more);
    if (more > 0) loaded.errors.push_back("and " + std::to_string(more) + " more");
    return {std::move(loaded.errors), {}, {}};
  }
  Outcome outcome{{}, changes_between(in_force_, loaded), without_effect(loaded)};
  for (std::string& caution : unreadable_files(loaded)) outcome.cautions.push_back(std::move(caution));
  loaded.config = with_applied(in_force_.config, loaded.config, outcome.changes);
  in_force_ = std::move(loaded);
  apply_(in_force_.config);
  return outcome;
}

void Reload::note(const Outcome& outcome) {
  ++status_.reloads;
  status_.errors = outcome.errors;
  if (!outcome.applied()) {
    ++status_.refusals;
    status_.refused = loop_.now();
    log_error("the configuration is refused, the one before stays in force:");
    for (std::size_t i = 0; i < outcome.errors.size() && i < kMaxLoggedErrors; ++i) log_error("{}", outcome.errors[i]);
    if (outcome.errors.size() > kMaxLoggedErrors)
      log_error("and {} more; `sw-sidecar --check-config` tells all", outcome.errors.size() - kMaxLoggedErrors);
    return;
  }
  status_.loaded = loop_.now();
  status_.refused = Tick{};
  status_.pending.clear();
  log_info("the configuration is reloaded; {}", outcome.changes.empty() ? "nothing has changed" : "what has changed:");
  for (const Change& change : outcome.changes) {
    if (change.fate == Change::Fate::needs_restart) status_.pending.push_back(change);
    if (change.fate == Change::Fate::applied)
      log_info("{}", sentence(change));
    else
      log_warning("{}", sentence(change));
  }
  for (const std::string& caution : outcome.cautions) log_warning("{}", caution);
}

void Reload::set_log_level(LogLevel level) {
  in_force_.config.log.level = level;
  start_log(in_force_.config.log);
  log_info("the level of the log is set by sidecarctl, until the next reload");
}

}  // namespace sidecar
