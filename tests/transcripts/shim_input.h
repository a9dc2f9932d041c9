#pragma once

// What a shim would have said, so that the recorded message is what the collector hears.

#include <nlohmann/json.hpp>
#include <string>

#include "agents/record.h"
#include "uplink/collector.h"

namespace sidecar {

// From InstanceProperties or InstancePing, as JSON (wire_json.h). The layer is the one a program has that names none.
InstanceName name_from(const nlohmann::json& message);
Properties properties_from(const nlohmann::json& message);

// From a SegmentObject. Times lie within the recorded millisecond, ids of others are texts as they were recorded,
// and the segment's own, which cannot be a text, has the digits of the recorded one: "segment-12" is 1.77.12.
Record segment_from(const nlohmann::json& segment, std::uint64_t seq);

}  // namespace sidecar
