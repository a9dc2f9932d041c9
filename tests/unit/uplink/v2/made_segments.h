#pragma once

// Segments for tests of the encoder of v2, complete by default: change one thing. And what the encoder made of them.

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "fake_known_ids.h"
#include "uplink/v2/segment_encoder.h"
#include "v2/tracing.pb.h"

namespace sidecar::v2 {

using Bytes = std::vector<std::uint8_t>;
using Tags = std::vector<flatbuffers::Offset<fbs::Tag>>;
using Refs = std::vector<flatbuffers::Offset<fbs::Ref>>;

inline constexpr std::int64_t kAt = 1'546'300'800'000'000;
inline const fbs::Id kOwn(2, 31, 15463008000000007);

// The only member of what the encoder wrote: a field 1, as cut() finds it.
inline std::string member(const SegmentEncoder& encoder) {
  const std::vector<std::uint8_t> exact = [&] {
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    return out;
  }();
  REQUIRE(exact.size() >= 2);
  REQUIRE(exact[0] == 0x0A);
  std::size_t at = 1, length = 0;
  for (unsigned shift = 0;; shift += 7) {
    length |= static_cast<std::size_t>(exact[at] & 0x7F) << shift;
    if (exact[at++] < 0x80) break;
  }
  REQUIRE(at + length == exact.size());
  return {exact.begin() + static_cast<std::ptrdiff_t>(at), exact.end()};
}

struct Encoded {
  wire::v2::UpstreamSegment message;
  wire::v2::SegmentObject segment;
  SegmentChanges changes;
};

inline Encoded encode(const Bytes& bytes, KnownIds& known, encoding::SegmentRules rules = {}) {
  SegmentEncoder encoder(std::move(rules), known);
  REQUIRE(encoder.add({bytes, 2, 3}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
  Encoded out;
  REQUIRE(out.message.ParseFromString(member(encoder)));
  REQUIRE(out.segment.ParseFromString(out.message.segment()));
  out.changes = encoder.changes();
  return out;
}

inline std::vector<std::int64_t> parts(const wire::v2::UniqueId& id) {
  return {id.id_parts().begin(), id.id_parts().end()};
}

// A segment of one span, changed by `change(arguments)`.
struct Spec {
  const char* trace = nullptr;  // foreign
  fbs::SpanType type = fbs::SpanType::Entry;
  std::uint8_t layer = 3;
  const char* operation = "/a";
  const char* peer = nullptr;
};

inline Bytes segment(const Spec& spec, const std::function<Refs(flatbuffers::FlatBufferBuilder&)>& make_refs = {},
                     bool tagged = false) {
  flatbuffers::FlatBufferBuilder fbb;
  Tags tags;
  if (tagged) tags.push_back(fbs::CreateTagDirect(fbb, "url", "http://h/a"));
  const Refs refs = make_refs ? make_refs(fbb) : Refs();
  const auto span = fbs::CreateSpanDirect(fbb, 0, -1, kAt, 10'000, spec.type, spec.layer, 1, false, spec.operation,
                                          spec.peer, &tags, nullptr, &refs);
  const std::vector<flatbuffers::Offset<fbs::Span>> spans{span};
  const auto trace = spec.trace != nullptr ? fbb.CreateString(spec.trace) : 0;
  const auto vector = fbb.CreateVector(spans);
  fbs::FinishSizePrefixedSegmentBuffer(
      fbb, fbs::CreateSegment(fbb, spec.trace != nullptr ? nullptr : &kOwn, trace, &kOwn, vector));
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

// Between processes, from another host's header of ids: complete.
struct RefSpec {
  fbs::RefType type = fbs::RefType::CrossProcess;
  const char* trace = nullptr;
  const char* parent_segment = "4.5.6";
  const char* service = nullptr;
  const char* instance = nullptr;
  const char* endpoint = "/parent";
  const char* address = "10.0.0.2:80";
  int parent_id = 7, entry_id = 8;
  const char* entry_endpoint = "/entry";
  int entry_endpoint_id = 0, parent_endpoint_id = 0, address_id = 0;
};

inline Bytes with_refs(const std::vector<RefSpec>& specs, const Spec& spec = {}) {
  return segment(spec, [&](flatbuffers::FlatBufferBuilder& fbb) {
    Refs refs;
    for (const RefSpec& ref : specs)
      refs.push_back(fbs::CreateRefDirect(fbb, ref.type, ref.trace != nullptr ? nullptr : &kOwn, ref.trace, nullptr,
                                          ref.parent_segment, 1, ref.service, ref.instance, ref.endpoint, ref.address,
                                          ref.parent_id, ref.entry_id, ref.entry_endpoint, ref.entry_endpoint_id,
                                          ref.parent_endpoint_id, ref.address_id));
    return refs;
  });
}

inline std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

}  // namespace sidecar::v2
