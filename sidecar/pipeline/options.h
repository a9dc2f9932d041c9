#pragma once

#include <cstddef>

#include "base/backoff.h"
#include "base/clock.h"

namespace sidecar {

// When a batch is closed and how often a call is tried; see conf/sidecar.yaml.
struct PipelineOptions {
  std::size_t batch_segments = 200;                     // 1..2,000
  std::size_t batch_bytes = 512 * 1024;                 // of flatbuffers, 16 KiB..1 MiB (the protobuf is smaller)
  Duration batch_age = std::chrono::milliseconds(250);  // of the oldest segment, 1ms..1m
  Backoff backoff;                                      // between tries of one batch
};

}  // namespace sidecar
