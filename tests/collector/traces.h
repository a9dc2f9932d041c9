#pragma once

// What the test collector shows of its traces: trees for people, JSON for tests. Pure.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "store.h"

namespace sidecar {

// {"traces":[{"trace_id","segments":[...]}]}, traces and segments in order of arrival, duplicates included.
nlohmann::json traces_to_json(const std::vector<wire::v3::SegmentObject>& segments);

// One tree per trace: children of a span and what refers to it stand below it. At
// most the last `max_traces`. A segment that came twice is shown once and counted.
std::string traces_to_text(const std::vector<wire::v3::SegmentObject>& segments, std::size_t max_traces = 100);

}  // namespace sidecar
