#pragma once

// The load of the benchmarks: a segment of five spans, four of them with a peer, three tags each, as a
// small web shop makes them.

#include <segment_generated.h>

#include <algorithm>
#include <vector>

namespace sidecar::bench {

inline std::vector<std::uint8_t> sample_segment() {
  flatbuffers::FlatBufferBuilder fbb;
  const std::int64_t at = 1'795'471'500'000'000;
  std::vector<flatbuffers::Offset<fbs::Span>> spans;
  for (int i = 4; i >= 0; --i) {
    std::vector<flatbuffers::Offset<fbs::Tag>> tags;
    if (i == 0) {
      tags = {fbs::CreateTagDirect(fbb, "url", "http://shop.example/orders/4711/items?page=2"),
              fbs::CreateTagDirect(fbb, "http.method", "GET"), fbs::CreateTagDirect(fbb, "http.status_code", "200")};
    } else {
      tags = {
          fbs::CreateTagDirect(fbb, "db.type", "sqlite"), fbs::CreateTagDirect(fbb, "db.instance", "orders"),
          fbs::CreateTagDirect(fbb, "db.statement", "SELECT id, name, price FROM items WHERE order_id = ? LIMIT 20")};
    }
    spans.push_back(fbs::CreateSpanDirect(fbb, i, i - 1, at + i * 100, 5'000 - i * 100,
                                          i == 0 ? fbs::SpanType::Entry : fbs::SpanType::Exit, i == 0 ? 3 : 1, 33,
                                          false, i == 0 ? "GET:/orders/{id}/items" : "sqlite/select/items",
                                          i == 0 ? nullptr : "db-1.shop.example:3306", &tags));
  }
  std::reverse(spans.begin(), spans.end());
  const auto vector = fbb.CreateVector(spans);
  const fbs::Id id(8'236'482'364'823'648'236, 17, 17'954'715'000'000'001);
  fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, &id, 0, &id, vector));
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

}  // namespace sidecar::bench
