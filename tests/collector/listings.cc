#include "listings.h"

namespace sidecar {

using nlohmann::json;

json instances_to_json(const std::vector<StoredInstance>& instances) {
  json list = json::array();
  for (const StoredInstance& at : instances) {
    json properties = json::array();
    for (const auto& [key, value] : at.properties) properties.push_back({{"key", key}, {"value", value}});
    list.push_back({{"service", at.service},
                    {"instance", at.instance},
                    {"layer", at.layer},
                    {"properties", std::move(properties)},
                    {"property_reports", at.property_reports},
                    {"keep_alives", at.keep_alives},
                    {"segments", at.segments}});
  }
  return {{"instances", std::move(list)}};
}

json ids_to_json(const V2Ids& ids) {
  constexpr const char* kSides[] = {"client", "server", "proxy"};
  json services = json::array(), addresses = json::array(), instances = json::array(), endpoints = json::array();
  for (const auto& [id, name] : ids.services) services.push_back({{"id", id}, {"name", name}});
  for (const auto& [id, name] : ids.addresses) addresses.push_back({{"id", id}, {"name", name}});
  for (const auto& [id, at] : ids.instances)
    instances.push_back({{"id", id}, {"service", at.service}, {"uuid", at.uuid}, {"name", at.name}});
  for (const auto& [id, at] : ids.endpoints)
    endpoints.push_back({{"id", id},
                         {"service", at.service},
                         {"name", at.name},
                         {"side", at.side >= 0 && at.side < 3 ? kSides[at.side] : std::to_string(at.side)}});
  return {{"services", std::move(services)},
          {"addresses", std::move(addresses)},
          {"instances", std::move(instances)},
          {"endpoints", std::move(endpoints)}};
}

json dropped_to_json(const std::map<std::string, unsigned>& dropped) {
  json list = json::array();
  for (const auto& [reason, count] : dropped) list.push_back({{"reason", reason}, {"count", count}});
  return {{"dropped", std::move(list)}};
}

json calls_to_json(const std::map<std::pair<std::string, std::string>, unsigned>& calls) {
  json list = json::array();
  for (const auto& [key, count] : calls)
    list.push_back({{"method", key.first}, {"status", key.second}, {"count", count}});
  return {{"calls", std::move(list)}};
}

}  // namespace sidecar
