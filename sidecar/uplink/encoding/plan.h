#pragma once

// Plan is what an encoder knows of a message between measuring and writing it: sizes,
// the texts that change, and what was changed. Segments are taken one after the other, or not at all.
//
// Owner: an encoder. Reused; after warm-up nothing is allocated.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "uplink/segment_changes.h"

namespace sidecar::encoding {

// What became of a segment. `full`: it is not the first of its message and would make that too large.
// `unencodable`: it is no Segment, or larger than kMaxSegment.
enum class Added { yes, full, unencodable };

// One segment may not become larger. A verified one decodes to 4 MiB at most, and
// the repair of broken text at most triples it; what hiding adds to a hostile one (PrivacyRules)
// may go beyond.
inline constexpr std::size_t kMaxSegment = 16u << 20;

struct Plan {
  std::vector<std::uint32_t> sizes;  // of what is nested, in the order in which it is written
  std::string changed;               // the texts that are not written as they came, likewise
  SegmentChanges changes;
  std::size_t size = 0;  // of the whole message, in bytes

  // `measure` plans one more segment and answers its size in bytes. Unless the answer is `yes`, the plan
  // is as it was before.
  template <class Measure>
  Added add(bool first, std::size_t max_size, const Measure& measure) {
    const std::size_t sizes_before = sizes.size(), changed_before = changed.size();
    const SegmentChanges changes_before = changes;
    const std::size_t more = measure();
    const Added added = more > kMaxSegment                 ? Added::unencodable
                        : !first && size + more > max_size ? Added::full
                                                           : Added::yes;
    if (added == Added::yes) {
      size += more;
      return added;
    }
    sizes.resize(sizes_before);
    changed.resize(changed_before);
    changes = changes_before;
    return added;
  }

  void clear() {
    constexpr std::size_t kMaxKept = 1u << 20;  // of memory for changed texts, from message to message
    sizes.clear();
    changed.clear();
    if (changed.capacity() > kMaxKept) changed.shrink_to_fit();
    changes = {};
    size = 0;
  }
};

}  // namespace sidecar::encoding
