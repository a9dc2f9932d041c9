// The encoder of generation v3: whatever segments the input describes, the bytes
// must be the ones that protobuf writes for the same objects, and must parse.
// Rules that hide much are in force, and the changes are counted alike.
// The input is read as numbers from which flatc's builder makes the segments, so
// that every input is a verified segment (what does not verify is not the encoder's).

#include "numbers.h"
#include "object_encoder.h"
#include "random_segment.h"
#include "require.h"
#include "uplink/v3/segment_encoder.h"

using sidecar::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sidecar::Numbers numbers(data, size);
  const sidecar::NumberSource next = [&] { return numbers(); };

  const std::size_t count = 1 + next() % 3;
  std::vector<std::vector<std::uint8_t>> segments;
  std::vector<std::string> services, instances;
  const sidecar::PrivacyOptions options{{"*path"}, {"a*", "*\xC3\xA9*"}, static_cast<sidecar::UrlPrivacy>(next() % 4)};
  static const std::string prefixes[] = {"", "cluster/"};
  sidecar::ObjectRules rules{sidecar::PrivacyRules(options), prefixes[next() % 2], {}};
  sidecar::v3::SegmentEncoder encoder({rules.privacy, rules.peer_prefix});
  sidecar::wire::v3::SegmentCollection expected;
  for (std::size_t i = 0; i < count; ++i) {
    segments.push_back(sidecar::make_random_segment(next));
    services.push_back(sidecar::make_random_text(next));
    instances.push_back(sidecar::make_random_text(next));
    sidecar::build_segment_object(segments[i], services[i], instances[i], rules, *expected.add_segments());
  }
  for (std::size_t i = 0; i < count; ++i)
    require(encoder.add({segments[i], services[i], instances[i]}, ~std::size_t{0}) ==
                sidecar::v3::SegmentEncoder::Added::yes,
            "a segment was refused");

  std::vector<std::uint8_t> bytes(encoder.size());  // exact, so that ASan sees one byte too far
  encoder.write(bytes.data());
  sidecar::wire::v3::SegmentCollection parsed;
  require(parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), "the bytes do not parse");
  require(std::string(bytes.begin(), bytes.end()) == sidecar::serialize(expected), "protobuf writes other bytes");
  require(encoder.changes() == rules.changes, "changes are counted otherwise");
  return 0;
}
