#include "uplink/v2/segment_encoder.h"

#include <doctest/doctest.h>

#include <random>

#include "fake_known_ids.h"
#include "object_encoder_v2.h"
#include "random_segment.h"
#include "uplink/v2/foreign_id.h"

using namespace sidecar;
using v2::SegmentEncoder;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Tags = std::vector<flatbuffers::Offset<fbs::Tag>>;
using Refs = std::vector<flatbuffers::Offset<fbs::Ref>>;

constexpr std::int64_t kAt = 1'546'300'800'000'000;
const fbs::Id kOwn(2, 31, 15463008000000007);

// The only member of what the encoder wrote: a field 1, as cut() finds it.
std::string member(const SegmentEncoder& encoder) {
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

Encoded encode(const Bytes& bytes, v2::KnownIds& known, encoding::SegmentRules rules = {}) {
  SegmentEncoder encoder(std::move(rules), known);
  REQUIRE(encoder.add({bytes, 2, 3}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
  Encoded out;
  REQUIRE(out.message.ParseFromString(member(encoder)));
  REQUIRE(out.segment.ParseFromString(out.message.segment()));
  out.changes = encoder.changes();
  return out;
}

std::vector<std::int64_t> parts(const wire::v2::UniqueId& id) { return {id.id_parts().begin(), id.id_parts().end()}; }

// A segment of one span, changed by `change(arguments)`.
struct Spec {
  const char* trace = nullptr;  // foreign
  fbs::SpanType type = fbs::SpanType::Entry;
  std::uint8_t layer = 3;
  const char* operation = "/a";
  const char* peer = nullptr;
};

Bytes segment(const Spec& spec, const std::function<Refs(flatbuffers::FlatBufferBuilder&)>& make_refs = {},
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

Bytes with_refs(const std::vector<RefSpec>& specs, const Spec& spec = {}) {
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

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

}  // namespace

TEST_SUITE("uplink/v2/segment_encoder") {
  // The reference's bytes, made by protoc from SkyWalking's own files.
  TEST_CASE("the known segment has the known bytes") {
    FakeKnownIds known;
    SegmentEncoder encoder({}, known);
    const Bytes bytes = segment({}, {}, true);
    REQUIRE(encoder.add({bytes, 2, 2}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
    const std::string id = from_hex("0a0a021f8780ffd7e1f0bb1b");
    const std::string object = from_hex(
        "0a0c0a0a021f8780ffd7e1f0bb1b123410ffffffffffffffffff011880f8d6b5802d208af8d6b5802d3a022f61580360017a110a037572"
        "6c120a687474703a2f2f682f6118022002");
    CHECK(member(encoder) == "\x0A" + std::string(1, static_cast<char>(id.size())) + id + "\x12" +
                                 static_cast<char>(object.size()) + object);
  }

  TEST_CASE("thousands of random segments encode as protobuf encodes the objects") {
    std::mt19937_64 random(20261125);
    const NumberSource next = [&] { return random(); };
    SegmentChanges total;
    std::size_t by_id = 0, by_name = 0, references = 0;
    FakeKnownIds known;
    known.half = true;
    for (int round = 0; round < 3000; ++round) {
      const Bytes bytes = make_random_segment(next);
      ObjectRules rules{PrivacyRules({{"*path"}, {"a*", "*\xC3\xA9*"}, static_cast<UrlPrivacy>(random() % 4)}),
                        random() % 2 == 0 ? "" : "cluster/",
                        {}};
      wire::v2::UpstreamSegment expected;
      build_upstream_segment(bytes, 2, 3, known, rules, expected);
      SegmentEncoder encoder({rules.privacy, rules.peer_prefix}, known);
      REQUIRE(encoder.add({bytes, 2, 3}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
      CAPTURE(round);
      REQUIRE(member(encoder) == serialize(expected));
      REQUIRE(encoder.changes() == rules.changes);
      total += rules.changes;
      wire::v2::SegmentObject object;
      REQUIRE(object.ParseFromString(expected.segment()));
      for (const auto& span : object.spans()) {
        (span.operation_name_id() != 0 || span.peer_id() != 0 ? by_id : by_name) += 1;
        references += static_cast<std::size_t>(span.refs_size());
      }
    }
    CHECK(by_id > 1000);
    CHECK(by_name > 1000);
    CHECK(references > 300);
    for (const std::uint64_t count :
         {total.tags_dropped, total.tags_masked, total.urls_masked, total.endpoint_names_cut, total.peers_cut,
          total.references_left_off, total.foreign_ids_mapped})
      CHECK(count > 100);
  }

  TEST_CASE("an operation is an id for entry spans alone, and wanted as it would be sent") {
    FakeKnownIds known;
    known.endpoints = {{"2 /a", 40}};
    const auto entry = encode(segment({}), known).segment.spans(0);
    CHECK(entry.operation_name_id() == 40);
    CHECK(entry.operation_name().empty());
    for (const fbs::SpanType type : {fbs::SpanType::Exit, fbs::SpanType::Local}) {
      const auto span = encode(segment({.type = type}), known).segment.spans(0);
      CHECK(span.operation_name_id() == 0);
      CHECK(span.operation_name() == "/a");
    }
    CHECK(known.wanted.empty());

    const std::string broken = "/b?token=x\xFF" + std::string(300, 'y');
    const encoding::SegmentRules rules{PrivacyRules(PrivacyOptions{}), {}};
    const auto named = encode(segment({.operation = broken.c_str()}), known, rules).segment.spans(0);
    REQUIRE(known.wanted.size() == 1);
    CHECK(*known.wanted.begin() == "2 " + named.operation_name());
    CHECK(named.operation_name().find("token=x") == std::string::npos);
    known.endpoints = {{*known.wanted.begin(), 41}};
    CHECK(encode(segment({.operation = broken.c_str()}), known, rules).segment.spans(0).operation_name_id() == 41);
    CHECK(encode(segment({.operation = "\xFF"}), known).segment.spans(0).operation_name() == "\xEF\xBF\xBD");
    CHECK(known.wanted.count("2 \xEF\xBF\xBD") == 1);
  }

  TEST_CASE("a peer is an id for exit spans, with its prefix, and a tag for others") {
    FakeKnownIds known;
    known.addresses = {{"cluster/db:1", 50}};
    const encoding::SegmentRules rules{PrivacyRules(), "cluster/"};
    const auto exit = encode(segment({.type = fbs::SpanType::Exit, .peer = "db:1"}), known, rules).segment.spans(0);
    CHECK(exit.peer_id() == 50);
    CHECK(exit.peer().empty());
    const auto other = encode(segment({.type = fbs::SpanType::Exit, .peer = "db:2"}), known, rules).segment.spans(0);
    CHECK(other.peer_id() == 0);
    CHECK(other.peer() == "cluster/db:2");
    CHECK(known.wanted == std::set<std::string>{"cluster/db:2"});
    known.wanted.clear();
    const auto entry = encode(segment({.peer = "10.0.0.9:51234"}), known, rules).segment.spans(0);
    CHECK(entry.peer_id() == 0);
    CHECK(entry.peer().empty());
    REQUIRE(entry.tags_size() == 1);
    CHECK(entry.tags(0).key() == "peer");
    CHECK(entry.tags(0).value() == "10.0.0.9:51234");
    CHECK(known.wanted == std::set<std::string>{"2 /a"});
  }

  TEST_CASE("a layer that the generation does not have is unknown") {
    FakeKnownIds known;
    CHECK(encode(segment({.layer = 5}), known).segment.spans(0).span_layer() == wire::v2::CACHE);
    CHECK(encode(segment({.layer = 6}), known).segment.spans(0).span_layer() == wire::v2::UNKNOWN);
  }

  TEST_CASE("a header of ids makes a whole reference") {
    FakeKnownIds known;
    const auto encoded = encode(with_refs({{}}), known);
    REQUIRE(encoded.segment.spans(0).refs_size() == 1);
    const auto& ref = encoded.segment.spans(0).refs(0);
    CHECK(ref.ref_type() == wire::v2::CROSS_PROCESS);
    CHECK(parts(ref.parent_trace_segment_id()) == std::vector<std::int64_t>{4, 5, 6});
    CHECK(ref.parent_span_id() == 1);
    CHECK(ref.parent_service_instance_id() == 7);
    CHECK(ref.entry_service_instance_id() == 8);
    CHECK(ref.network_address() == "10.0.0.2:80");
    CHECK(ref.entry_endpoint() == "/entry");
    CHECK(ref.parent_endpoint() == "/parent");
    CHECK(encoded.changes == SegmentChanges{});
    CHECK(known.wanted == std::set<std::string>{"2 /a"});  // no stranger fills our dictionaries
  }

  TEST_CASE("ids of a header stand where it has no names, unless no collector can have given them") {
    FakeKnownIds known;
    const auto ref_of = [&](const RefSpec& spec) { return encode(with_refs({spec}), known).segment.spans(0).refs(0); };
    const auto ids = ref_of({.endpoint = nullptr,
                             .address = nullptr,
                             .entry_endpoint = nullptr,
                             .entry_endpoint_id = 11,
                             .parent_endpoint_id = -1,
                             .address_id = 13});
    CHECK(ids.network_address_id() == 13);
    CHECK(ids.entry_endpoint_id() == 11);
    CHECK(ids.parent_endpoint_id() == -1);
    const auto wrong =
        ref_of({.endpoint = nullptr, .entry_endpoint = nullptr, .entry_endpoint_id = -2, .parent_endpoint_id = -9});
    CHECK(wrong.entry_endpoint_id() == 0);
    CHECK(wrong.parent_endpoint_id() == 0);
    const auto both = ref_of({.entry_endpoint_id = 11, .parent_endpoint_id = 12, .address_id = 13});
    CHECK(both.entry_endpoint() == "/entry");
    CHECK(both.entry_endpoint_id() == 0);
    CHECK(both.parent_endpoint() == "/parent");
    CHECK(both.parent_endpoint_id() == 0);
    CHECK(both.network_address_id() == 0);
  }

  TEST_CASE("an instance of this host is known by its names, whatever ids the header carried") {
    FakeKnownIds known;
    known.instances = {{"shop shop@host", 21}};
    const auto ref_of = [&](int parent, int entry) {
      return encode(with_refs({{.service = "shop", .instance = "shop@host", .parent_id = parent, .entry_id = entry}}),
                    known)
          .segment.spans(0)
          .refs(0);
    };
    CHECK(ref_of(0, 0).parent_service_instance_id() == 21);
    CHECK(ref_of(0, 0).entry_service_instance_id() == 21);  // a header of names does not say it
    CHECK(ref_of(7, 8).parent_service_instance_id() == 21);
    CHECK(ref_of(7, 8).entry_service_instance_id() == 8);
  }

  TEST_CASE("a reference that lacks what the collector insists on is left off and counted, the rest stays") {
    FakeKnownIds known;
    for (const RefSpec& lacking : {RefSpec{.parent_id = 0}, RefSpec{.parent_id = -3}, RefSpec{.address = nullptr},
                                   RefSpec{.address = nullptr, .address_id = -2},
                                   RefSpec{.service = "elsewhere", .instance = "elsewhere@host", .parent_id = 0}}) {
      const auto encoded = encode(with_refs({lacking, {}}), known);
      CHECK(encoded.segment.spans(0).refs_size() == 1);
      CHECK(encoded.changes == SegmentChanges{.references_left_off = 1});
    }
  }

  TEST_CASE("a reference to another thread is to our own instance and needs no address") {
    FakeKnownIds known;
    const auto encoded = encode(
        with_refs({{.type = fbs::RefType::CrossThread, .address = nullptr, .parent_id = 99, .entry_id = 0}}), known);
    REQUIRE(encoded.segment.spans(0).refs_size() == 1);
    const auto& ref = encoded.segment.spans(0).refs(0);
    CHECK(ref.ref_type() == wire::v2::CROSS_THREAD);
    CHECK(ref.parent_service_instance_id() == 3);
    CHECK(ref.entry_service_instance_id() == 3);
    CHECK(ref.network_address().empty());
  }

  TEST_CASE("a foreign trace id is mapped, kept in a tag of the first span, and counted once") {
    FakeKnownIds known;
    const char* trace = "0123456789abcdef0123456789abcdef.31.15463008000000006";
    const auto encoded = encode(with_refs({{.trace = trace}}, {.trace = trace}), known);
    REQUIRE(encoded.message.global_trace_ids_size() == 1);
    const auto id = v2::mapped(trace);
    CHECK(parts(encoded.message.global_trace_ids(0)) == std::vector<std::int64_t>{id.p1(), id.p2(), id.p3()});
    REQUIRE(encoded.segment.spans(0).tags_size() == 1);
    CHECK(encoded.segment.spans(0).tags(0).key() == "foreign.trace_id");
    CHECK(encoded.segment.spans(0).tags(0).value() == trace);
    CHECK(encoded.changes == SegmentChanges{.foreign_ids_mapped = 1});
  }

  TEST_CASE("a foreign id of three numbers stays as it is") {
    FakeKnownIds known;
    const auto encoded = encode(segment({.trace = "3.-4.5"}), known);
    CHECK(parts(encoded.message.global_trace_ids(0)) == std::vector<std::int64_t>{3, -4, 5});
    CHECK(encoded.segment.spans(0).tags_size() == 0);
    CHECK(encoded.changes == SegmentChanges{});
  }

  TEST_CASE("traces of references are the segment's as well, each once") {
    FakeKnownIds known;
    const auto encoded = encode(with_refs({{.trace = "7.8.9"},
                                           {.trace = "7.8.9"},
                                           {.trace = "x"},
                                           {.parent_id = 0},
                                           {.trace = "2.31.15463008000000007"}}),
                                known);
    REQUIRE(encoded.message.global_trace_ids_size() == 3);
    CHECK(parts(encoded.message.global_trace_ids(0)) == std::vector<std::int64_t>{2, 31, 15463008000000007});
    CHECK(parts(encoded.message.global_trace_ids(1)) == std::vector<std::int64_t>{7, 8, 9});
    CHECK(encoded.changes == SegmentChanges{.references_left_off = 1, .foreign_ids_mapped = 1});
    REQUIRE(encoded.segment.spans(0).tags_size() == 1);
    CHECK(encoded.segment.spans(0).tags(0).value() == "x");
  }

  TEST_CASE("traces beyond the bound are counted") {
    FakeKnownIds known;
    std::vector<std::string> names;
    for (int i = 0; i < 600; ++i) names.push_back("9.9." + std::to_string(i));
    std::vector<RefSpec> refs(600);
    for (std::size_t i = 0; i < refs.size(); ++i) refs[i].trace = names[i].c_str();
    const auto encoded = encode(with_refs(refs), known);
    CHECK(encoded.message.global_trace_ids_size() == 512);
    CHECK(encoded.segment.spans(0).refs_size() == 600);
    CHECK(encoded.changes == SegmentChanges{.references_left_off = 89});
  }

  TEST_CASE("several segments are members of one buffer, and what does not fit is as if never added") {
    FakeKnownIds known;
    SegmentEncoder encoder({}, known);
    const Bytes one = segment({.trace = "foreign"}), two = with_refs({{.parent_id = 0}});
    REQUIRE(encoder.add({one, 2, 3}, 1) == SegmentEncoder::Added::yes);  // the first always fits
    const std::size_t size = encoder.size();
    CHECK(encoder.add({two, 4, 5}, 2) == SegmentEncoder::Added::full);
    CHECK(encoder.size() == size);
    CHECK(encoder.changes() == SegmentChanges{.foreign_ids_mapped = 1});
    REQUIRE(encoder.add({one, 4, 5}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    std::vector<std::uint8_t> first(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    encoder.clear();
    CHECK(encoder.size() == 0);
    REQUIRE(encoder.add({one, 2, 3}, 1) == SegmentEncoder::Added::yes);
    std::vector<std::uint8_t> again(encoder.size());
    encoder.write(again.data());
    CHECK(again == first);
  }

  TEST_CASE("bytes that are no segment, or unfold beyond the bound, are unencodable and leave no trace") {
    FakeKnownIds known;
    SegmentEncoder encoder({}, known);
    const Bytes zeros(100, 0), little{1, 2, 3};
    CHECK(encoder.add({zeros, 2, 3}, 1000) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.add({little, 2, 3}, 1000) == SegmentEncoder::Added::unencodable);
    flatbuffers::FlatBufferBuilder fbb;
    const auto text = fbb.CreateString(std::string(60'000, 'x'));
    const Tags tags(300, fbs::CreateTag(fbb, text, text));
    const std::vector<flatbuffers::Offset<fbs::Span>> spans{
        fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Local, 0, 0, false, nullptr, nullptr, &tags)};
    const auto vector = fbb.CreateVector(spans);
    fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, nullptr, text, &kOwn, vector));
    const Bytes bomb(fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize());
    CHECK(encoder.add({bomb, 2, 3}, ~std::size_t{0}) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.size() == 0);
    CHECK(encoder.changes() == SegmentChanges{});
    const Bytes good = segment({});
    REQUIRE(encoder.add({good, 2, 3}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
    wire::v2::UpstreamSegment parsed;
    CHECK(parsed.ParseFromString(member(encoder)));
  }
}
