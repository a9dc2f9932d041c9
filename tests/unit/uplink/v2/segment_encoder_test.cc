#include "uplink/v2/segment_encoder.h"

#include <doctest/doctest.h>

#include <random>

#include "made_segments.h"
#include "object_encoder_v2.h"
#include "random_segment.h"

using namespace sidecar;
using namespace sidecar::v2;

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

  // What clients sent in the recordings with real collectors (5a, 5b, 5d of 7.0.0), which stored it.
  TEST_CASE("the recorded segments have the recorded bytes") {
    FakeKnownIds known;
    const auto message = [&](std::int64_t number, const char* operation, const char* url, bool exit, const char* peer,
                             std::int32_t service, std::int64_t trace, const RefSpec* from) {
      flatbuffers::FlatBufferBuilder fbb;
      const std::int64_t at = 1'795'471'500'000'000 + number * 1'000'000;
      const fbs::Id id(1, 77, 17954715000000000 + number), trace_id(1, 77, 17954715000000000 + trace);
      const Tags tags{fbs::CreateTagDirect(fbb, "url", url), fbs::CreateTagDirect(fbb, "http.method", "GET")};
      Refs refs;
      if (from != nullptr) {
        const fbs::Id parent(1, 77, 17954715000000011);
        refs.push_back(fbs::CreateRefDirect(fbb, fbs::RefType::CrossProcess, &trace_id, nullptr, &parent, nullptr, 1,
                                            nullptr, nullptr, from->endpoint, from->address, 2, 2,
                                            from->entry_endpoint));
      }
      std::vector<flatbuffers::Offset<fbs::Span>> spans{fbs::CreateSpanDirect(
          fbb, 0, -1, at, 30'000, fbs::SpanType::Entry, 3, 1, false, operation, nullptr, &tags, nullptr, &refs)};
      if (exit)
        spans.push_back(
            fbs::CreateSpanDirect(fbb, 1, 0, at + 5'000, 20'000, fbs::SpanType::Exit, 3, 2, false, "/up", peer));
      const auto vector = fbb.CreateVector(spans);
      fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, &trace_id, 0, &id, vector));
      const Bytes bytes(fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize());
      SegmentEncoder encoder({}, known);
      REQUIRE(encoder.add({bytes, service, service}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
      return member(encoder);
    };
    CHECK(message(2, "/front", "http://127.0.0.1:8080/front", true, "127.0.0.1:8083", 2, 2, nullptr) ==
          from_hex("0a0c0a0a014d829cf9ccfdb6f21f129e010a0c0a0a014d829cf9ccfdb6f21f125d10ffffffffffffffffff0118b0d5c3"
                   "d3a03420ced5c3d3a0343a062f66726f6e74580360017a220a0375726c121b687474703a2f2f3132372e302e302e313a"
                   "383038302f66726f6e747a120a0b687474702e6d6574686f641203474554122b080118b5d5c3d3a03420c9d5c3d3a034"
                   "3a032f75704a0e3132372e302e302e313a3830383350015803600218022002"));
    const RefSpec whole{.endpoint = "/front", .address = "127.0.0.1:8084", .entry_endpoint = "/front"};
    CHECK(message(12, "/back", "http://127.0.0.1:8080/back", false, nullptr, 3, 11, &whole) ==
          from_hex("0a0c0a0a014d8b9cf9ccfdb6f21f12a6010a0c0a0a014d8c9cf9ccfdb6f21f12910110ffffffffffffffffff0118c0a3"
                   "c4d3a03420dea3c4d3a0342a34120c0a0a014d8b9cf9ccfdb6f21f180120022a0e3132372e302e302e313a3830383438"
                   "0242062f66726f6e7452062f66726f6e743a052f6261636b580360017a210a0375726c121a687474703a2f2f3132372e"
                   "302e302e313a383038302f6261636b7a120a0b687474702e6d6574686f64120347455418032003"));
    known.endpoints = {{"2 /id", 2}};
    known.addresses = {{"127.0.0.1:8083", 2}};
    CHECK(message(3, "/id", "http://127.0.0.1:8080/id", true, "127.0.0.1:8083", 2, 3, nullptr) ==
          from_hex("0a0c0a0a014d839cf9ccfdb6f21f1287010a0c0a0a014d839cf9ccfdb6f21f125410ffffffffffffffffff011898ddc3"
                   "d3a03420b6ddc3d3a0343002580360017a1f0a0375726c1218687474703a2f2f3132372e302e302e313a383038302f69"
                   "647a120a0b687474702e6d6574686f641203474554121d0801189dddc3d3a03420b1ddc3d3a0343a032f757040025001"
                   "5803600218022002"));
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
    CHECK(encoder.peers_by_name() == 0);
    known.addresses = {{"db:1", 50}};
    const Bytes known_peer = segment({.type = fbs::SpanType::Exit, .peer = "db:1"});
    const Bytes new_peer = segment({.type = fbs::SpanType::Exit, .peer = "db:2"});
    CHECK(encoder.add({new_peer, 4, 5}, 2) == SegmentEncoder::Added::full);
    CHECK(encoder.peers_by_name() == 0);
    for (const Bytes* bytes : {&known_peer, &new_peer})
      REQUIRE(encoder.add({*bytes, 4, 5}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
    CHECK(encoder.peers_by_name() == 1);
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    std::vector<std::uint8_t> first(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    encoder.clear();
    CHECK(encoder.size() == 0);
    CHECK(encoder.peers_by_name() == 0);
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
