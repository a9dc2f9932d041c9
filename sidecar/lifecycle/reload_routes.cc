#include "lifecycle/reload_routes.h"

#include <fmt/format.h>

#include "config/keys.h"

namespace sidecar {
namespace {

using nlohmann::json;

json changes_json(const std::vector<Change>& changes) {
  json list = json::array();
  for (const Change& change : changes)
    list.push_back({{"key", change.path},
                    {"from", change.from},
                    {"to", change.to},
                    {"origin", change.origin},
                    {"fate", to_text(change.fate)},
                    {"why", change.why},
                    {"text", sentence(change)}});
  return list;
}

json ago(Tick then, Tick now) {
  return then == Tick{} ? json() : json(std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count());
}

Response do_reload(Reload& reload) {
  const Reload::Outcome outcome = reload.run();
  if (outcome.applied())
    return Response::ok({{"changes", changes_json(outcome.changes)}, {"cautions", outcome.cautions}});
  Response refused = Response::error(422, "the configuration is refused, the one before stays in force");
  refused.body["errors"] = outcome.errors;
  return refused;
}

// `body`: {"level": "debug"}
Response do_set_level(Reload& reload, const std::string& body) {
  const json asked = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto level = asked.is_object() ? asked.find("level") : asked.end();
  if (!asked.is_object() || level == asked.end() || !level->is_string())
    return Response::error(400, R"(expected {"level": "debug"}, or another level of the log)");
  const Key& key = *find_key("log.level");
  Config config = reload.in_force();
  const std::string before = key.show(config);
  if (const auto set = key.set(config, level->get<std::string>()); !set)
    return Response::error(400, key.path + ": " + set.error().message);
  reload.set_log_level(config.log.level);
  return Response::ok({{"from", before}, {"to", key.show(config)}});
}

}  // namespace

std::vector<Route> reload_routes(Reload& reload, std::function<bool()> stopping) {
  const auto unless_stopping = [stopping = std::move(stopping)](auto act) {
    return [stopping, act](const Request& request) {
      return stopping() ? Response::error(409, "the daemon is stopping") : act(request);
    };
  };
  return {{"POST", "/reload", "reads the configuration again and puts it in force, whole or not at all",
           unless_stopping([&reload](const Request&) { return do_reload(reload); })},
          {"POST", "/log-level", R"(changes the level of the log until the next reload: {"level": "debug"})",
           unless_stopping([&reload](const Request& request) { return do_set_level(reload, request.body); })}};
}

json config_part(const Reload& reload, const std::string& path, Tick now) {
  const Reload::Status& status = reload.status();
  return {{"path", path},
          {"log_level", find_key("log.level")->show(reload.in_force())},
          {"loaded_ms_ago", ago(status.loaded, now)},
          {"reloads", status.reloads},
          {"refusals", status.refusals},
          {"refused_ms_ago", ago(status.refused, now)},
          {"errors", status.errors},
          {"needs_restart", changes_json(status.pending)}};
}

}  // namespace sidecar
