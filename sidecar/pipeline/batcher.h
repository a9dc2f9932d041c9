#pragma once

// When what waits in a channel becomes a batch. Pure.

#include <cstdint>
#include <optional>

#include "pipeline/options.h"

namespace sidecar {

struct Waiting {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  Tick oldest{};  // arrival, meaningful if count > 0
};

// How long until the batch closes: zero = now (enough segments, enough bytes, the
// oldest is old enough, or `draining`); nullopt: nothing waits.
std::optional<Duration> time_to_close(const Waiting& waiting, const PipelineOptions& options, Tick now, bool draining);

}  // namespace sidecar
