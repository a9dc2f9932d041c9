#pragma once

// What the test collector shows besides traces, as JSON for tests: instances, ids, calls, and what it dropped. Pure.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "store.h"
#include "v2_registry.h"

namespace sidecar {

// {"instances":[{"service","instance","layer","properties":[{"key","value"}],"property_reports","keep_alives","segments"}]}
nlohmann::json instances_to_json(const std::vector<StoredInstance>& instances);

// {"services":[{"id","name"}],"addresses":[{"id","name"}],"instances":[{"id","service","uuid","name"}],
// "endpoints":[{"id","service","name","side"}]}, by id; services of addresses are among the services.
nlohmann::json ids_to_json(const V2Ids& ids);

// {"dropped":[{"reason","count"}]}
nlohmann::json dropped_to_json(const std::map<std::string, unsigned>& dropped);

// {"calls":[{"method","status","count"}]}
nlohmann::json calls_to_json(const std::map<std::pair<std::string, std::string>, unsigned>& calls);

}  // namespace sidecar
