#pragma once

// V2Segments takes segments as collectors of generation v2 do: it swaps ids for names, registers what is new, and drops
// without a word what it cannot place. What it stores is a segment of v3 with the same names, so that a trace looks the
// same in both.
//
// Owner: V2Protocol, which guards it.

#include <deque>
#include <string>
#include <vector>

#include "generation.h"
#include "store.h"
#include "v2/tracing.pb.h"
#include "v2_registry.h"

namespace sidecar {

class V2Segments {
 public:
  static constexpr std::size_t kMaxWaiting = 1000;

  // Both must outlive it.
  V2Segments(const V2Rules& rules, V2Registry& registry, Store& store)
      : rules_(rules), registry_(registry), store_(store) {}

  void take(const wire::v2::UpstreamSegment& segment);
  // Those that wait for an endpoint of their parent, once more, if endpoints were registered.
  void retry();
  void clear();

 private:
  // What becomes of a segment, or of a part of it: empty if it is good.
  using Trouble = std::string;

  void store(const wire::v2::UpstreamSegment& segment);
  Trouble convert(const wire::v2::UpstreamSegment& upstream, wire::v3::SegmentObject& out);
  Trouble convert(const wire::v2::SpanObject& span, int service, wire::v3::SpanObject& out);
  Trouble convert(const wire::v2::SegmentReference& ref, bool of_entry, wire::v3::SegmentReference& out);
  Trouble name_of_operation(const wire::v2::SpanObject& span, int service, std::string& name);
  // Of an address by id or text; neither: empty.
  Trouble name_of_address(int id, const std::string& text, std::string& name);
  Trouble name_of_parent(int service, int id, const std::string& text, std::string& name);

  const V2Rules rules_;
  V2Registry& registry_;
  Store& store_;
  std::deque<wire::v2::UpstreamSegment> waiting_;
  std::size_t seen_endpoints_ = 0;  // registered when those that wait were looked at last
};

// "1.2.3"
std::string text_of(const wire::v2::UniqueId& id);

}  // namespace sidecar
