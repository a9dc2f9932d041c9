// The encoder of generation v2: whatever segments the input describes and whichever names have ids, the bytes
// must be the ones that protobuf writes for the same objects, and must parse. As encode_fuzz.cc otherwise.

#include "fake_known_ids.h"
#include "numbers.h"
#include "object_encoder_v2.h"
#include "random_segment.h"
#include "require.h"
#include "uplink/v2/segment_encoder.h"

using sidecar::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sidecar::Numbers numbers(data, size);
  const sidecar::NumberSource next = [&] { return numbers(); };

  const std::size_t count = 1 + next() % 3;
  sidecar::FakeKnownIds known;
  known.half = next() % 2 != 0;
  const sidecar::PrivacyOptions options{{"*path"}, {"a*", "*\xC3\xA9*"}, static_cast<sidecar::UrlPrivacy>(next() % 4)};
  static const std::string prefixes[] = {"", "cluster/"};
  sidecar::ObjectRules rules{sidecar::PrivacyRules(options), prefixes[next() % 2], {}};
  sidecar::v2::SegmentEncoder encoder({rules.privacy, rules.peer_prefix}, known);
  std::vector<std::vector<std::uint8_t>> segments;
  std::string expected;
  for (std::size_t i = 0; i < count; ++i) {
    segments.push_back(sidecar::make_random_segment(next));
    sidecar::wire::v2::UpstreamSegment object;
    sidecar::build_upstream_segment(segments[i], 2, 3, known, rules, object);
    std::string bytes = sidecar::serialize(object);
    sidecar::wire::v2::SegmentObject segment;
    require(segment.ParseFromString(object.segment()), "the segment does not parse");
    std::size_t length = bytes.size();
    expected += '\x0A';
    for (; length >= 0x80; length >>= 7) expected += static_cast<char>(length | 0x80);
    expected += static_cast<char>(length);
    expected += bytes;
  }
  for (const auto& segment : segments)
    require(encoder.add({segment, 2, 3}, ~std::size_t{0}) == sidecar::v2::SegmentEncoder::Added::yes,
            "a segment was refused");
  std::vector<std::uint8_t> bytes(encoder.size());  // exact, so that ASan sees one byte too far
  encoder.write(bytes.data());
  require(std::string(bytes.begin(), bytes.end()) == expected, "protobuf writes other bytes");
  require(encoder.changes() == rules.changes, "changes are counted otherwise");
  return 0;
}
