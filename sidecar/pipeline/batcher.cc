#include "pipeline/batcher.h"

namespace sidecar {

std::optional<Duration> time_to_close(const Waiting& waiting, const PipelineOptions& options, Tick now, bool draining) {
  if (waiting.count == 0) return std::nullopt;
  const bool full = waiting.count >= options.batch_segments || waiting.bytes >= options.batch_bytes;
  if (draining || full) return Duration::zero();
  const Tick due = waiting.oldest + options.batch_age;
  return due > now ? due - now : Duration::zero();
}

}  // namespace sidecar
