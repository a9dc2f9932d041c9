#include "ipc/ignore_filter.h"

#include <segment_generated.h>

namespace sidecar {

bool IgnoreFilter::matches(std::span<const std::uint8_t> record) const {
  if (!rules_) return false;
  for (const fbs::Span* span : *fbs::GetSizePrefixedSegment(record.data())->spans()) {
    if (span->parent_span_id() >= 0) continue;
    return span->operation() != nullptr && rules_->match(span->operation()->string_view());
  }
  return false;
}

}  // namespace sidecar
