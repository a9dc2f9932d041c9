#include "uplink/v3/segment_encoder.h"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <random>

#include "object_encoder.h"
#include "random_segment.h"
#include "uplink/v3/utf8.h"

using namespace sidecar;
using v3::SegmentEncoder;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string encode(const std::vector<SegmentEncoder::Input>& inputs, v3::SegmentRules rules = {},
                   SegmentChanges* changes = nullptr) {
  SegmentEncoder encoder(std::move(rules));
  for (const auto& input : inputs) REQUIRE(encoder.add(input, ~std::size_t{0}) == SegmentEncoder::Added::yes);
  // exact size on the heap, so that ASan sees one byte too far
  std::vector<std::uint8_t> out(encoder.size());
  encoder.write(out.data());
  if (changes != nullptr) *changes = encoder.changes();
  return {out.begin(), out.end()};
}

std::string encode_one(const Bytes& bytes, std::string_view service = "svc", std::string_view instance = "ins") {
  return encode({{bytes, service, instance}});
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

Bytes finish(flatbuffers::FlatBufferBuilder& fbb, flatbuffers::Offset<fbs::Segment> segment) {
  fbs::FinishSizePrefixedSegmentBuffer(fbb, segment);
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

Bytes segment_with_span(std::int64_t start_us, std::int64_t duration_us, const char* operation = "/a") {
  flatbuffers::FlatBufferBuilder fbb;
  const auto span =
      fbs::CreateSpanDirect(fbb, 0, -1, start_us, duration_us, fbs::SpanType::Entry, 3, 1, false, operation);
  const auto spans = fbb.CreateVector(&span, 1);
  const fbs::Id id(1, 2, 3);
  return finish(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
}

wire::v3::SegmentCollection parse(const std::string& bytes) {
  wire::v3::SegmentCollection collection;
  REQUIRE(collection.ParseFromString(bytes));
  return collection;
}

}  // namespace

TEST_SUITE("uplink/segment_encoder") {
  // The reference's bytes, made by protoc from SkyWalking's own files: a SegmentObject with trace `t`, segment
  // `s`. Our segment ids are three numbers, so that field is put there by hand.
  TEST_CASE("the known segment has the known bytes") {
    flatbuffers::FlatBufferBuilder fbb;
    const auto tag = fbs::CreateTagDirect(fbb, "url", "http://h/a");
    const std::vector<flatbuffers::Offset<fbs::Tag>> tags{tag};
    const std::int64_t at = 1'546'300'800'000'000;
    const auto span =
        fbs::CreateSpanDirect(fbb, 0, -1, at, 10'000, fbs::SpanType::Entry, 3, 1, false, "/a", nullptr, &tags);
    const auto spans = fbb.CreateVector(&span, 1);
    const auto trace = fbb.CreateString("t");
    const fbs::Id id(1, 2, 3);
    const Bytes bytes = finish(fbb, fbs::CreateSegment(fbb, nullptr, trace, &id, spans));

    const std::string known = from_hex(
        "0a01741201731a3410ffffffffffffffffff011880f8d6b5802d208af8d6b5802d32022f614803500162110a0375726c120a687474703a"
        "2f2f"
        "682f6122037376632a03696e73");
    const std::string ours = known.substr(0, 3) +
                             std::string(
                                 "\x12\x05"
                                 "1.2.3") +
                             known.substr(6);
    CHECK(encode_one(bytes) == std::string("\x0a") + static_cast<char>(ours.size()) + ours);
  }

  TEST_CASE("thousands of random segments encode as protobuf encodes the objects") {
    std::mt19937_64 random(20261124);
    const NumberSource next = [&] { return random(); };
    unsigned spans = 0;
    SegmentChanges total;
    for (int round = 0; round < 1500; ++round) {
      std::vector<Bytes> segments;
      std::vector<std::string> names;
      wire::v3::SegmentCollection expected;
      ObjectRules rules{PrivacyRules({{"*path"}, {"a*", "*\xC3\xA9*"}, static_cast<UrlPrivacy>(random() % 4)}),
                        random() % 2 == 0 ? "" : "cluster/",
                        {}};
      for (std::size_t i = 0; i <= random() % 3; ++i) segments.push_back(make_random_segment(next));
      for (std::size_t i = 0; i < 2 * segments.size(); ++i) names.push_back(make_random_text(next));
      std::vector<SegmentEncoder::Input> inputs;
      for (std::size_t i = 0; i < segments.size(); ++i) {
        inputs.push_back({segments[i], names[2 * i], names[2 * i + 1]});
        build_segment_object(segments[i], names[2 * i], names[2 * i + 1], rules, *expected.add_segments());
        spans += static_cast<unsigned>(expected.segments(static_cast<int>(i)).spans_size());
      }
      SegmentChanges changes;
      const std::string bytes = encode(inputs, {rules.privacy, rules.peer_prefix}, &changes);
      CAPTURE(round);
      REQUIRE(bytes == serialize(expected));
      REQUIRE(google::protobuf::util::MessageDifferencer::Equals(parse(bytes), expected));
      REQUIRE(changes == rules.changes);
      total += changes;
    }
    CHECK(spans > 3000);
    for (const std::uint64_t count :
         {total.tags_dropped, total.tags_masked, total.urls_masked, total.endpoint_names_cut, total.peers_cut})
      CHECK(count > 100);
  }

  TEST_CASE("times are floored to milliseconds, also before the epoch, and never overflow") {
    const auto times = [](std::int64_t start, std::int64_t duration) {
      const auto span = parse(encode_one(segment_with_span(start, duration))).segments(0).spans(0);
      return std::pair(span.start_time(), span.end_time());
    };
    CHECK(times(1'999, 1) == std::pair<std::int64_t, std::int64_t>(1, 2));
    CHECK(times(1'999, 0) == std::pair<std::int64_t, std::int64_t>(1, 1));
    CHECK(times(-1, 1) == std::pair<std::int64_t, std::int64_t>(-1, 0));
    CHECK(times(-1000, 0) == std::pair<std::int64_t, std::int64_t>(-1, -1));
    CHECK(times(INT64_MAX, INT64_MAX).second == INT64_MAX / 1000);
    CHECK(times(INT64_MIN, INT64_MIN).second == INT64_MIN / 1000 - 1);
  }

  TEST_CASE("text that is not UTF-8 is repaired, so that it cannot spoil the batch of others") {
    const Bytes broken = segment_with_span(0, 0,
                                           "a\xFF"
                                           "b\xE2\x82");
    const auto segment = parse(encode_one(broken, "s\x80", "\xED\xA0\x80")).segments(0);
    CHECK(segment.spans(0).operation_name() ==
          "a\xEF\xBF\xBD"
          "b\xEF\xBF\xBD");
    CHECK(segment.service() == "s\xEF\xBF\xBD");
    CHECK(segment.service_instance() == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  }

  TEST_CASE("a repair that keeps the length repairs all the same") {
    // a truncated sequence of three bytes and U+FFFD are equally long
    CHECK(v3::repaired("\xF0\x9F\x98") == "\xEF\xBF\xBD");
    CHECK(parse(encode_one(segment_with_span(0, 0, "\xF0\x9F\x98"))).segments(0).spans(0).operation_name() ==
          "\xEF\xBF\xBD");
  }

  TEST_CASE("tags and fields of logs go or lose their value by their key, and are counted") {
    flatbuffers::FlatBufferBuilder fbb;
    const auto pairs = [&] {
      return std::vector<flatbuffers::Offset<fbs::Tag>>{
          fbs::CreateTagDirect(fbb, "card", "4711"), fbs::CreateTagDirect(fbb, "Password", "pw"),
          fbs::CreateTagDirect(fbb, "token", ""), fbs::CreateTagDirect(fbb, "url", "/a?token=x&b=1"),
          fbs::CreateTagDirect(fbb, "n", "1")};
    };
    const auto tags = pairs(), fields = pairs();
    const std::vector<flatbuffers::Offset<fbs::Log>> logs{fbs::CreateLogDirect(fbb, 5, &fields)};
    const auto span =
        fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Local, 0, 0, false, "/a", nullptr, &tags, &logs);
    const auto spans = fbb.CreateVector(&span, 1);
    const fbs::Id id(1, 2, 3);
    const Bytes bytes = finish(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
    SegmentChanges changes;
    PrivacyOptions options;
    options.drop_tags = {"card"};
    const auto encoded =
        parse(encode({{bytes, "svc", "ins"}}, {PrivacyRules(options), "cluster/"}, &changes)).segments(0).spans(0);
    const auto check = [](const auto& found) {
      REQUIRE(found.size() == 4);
      CHECK(found[0].key() == "Password");
      CHECK(found[0].value() == "***");
      CHECK(found[1].key() == "token");
      CHECK(found[1].value() == "");
      CHECK(found[2].value() == "/a?token=***&b=1");
      CHECK(found[3].value() == "1");
    };
    check(encoded.tags());
    check(encoded.logs(0).data());
    CHECK(changes == SegmentChanges{2, 2, 2, 0, 0});
  }

  TEST_CASE("names are cut as Java agents cut them, never inside a code point, and peers of exits have their prefix") {
    const std::string long_name = std::string(149, 'x') + "\xF0\x9F\x98\x80";
    const auto encoded = [&](fbs::SpanType type, const std::string& operation, const std::string& peer,
                             SegmentChanges& changes) {
      flatbuffers::FlatBufferBuilder fbb;
      const fbs::Id id(1, 2, 3);
      const std::vector<flatbuffers::Offset<fbs::Ref>> refs{fbs::CreateRefDirect(
          fbb, fbs::RefType::CrossProcess, &id, nullptr, &id, nullptr, 0, "s", "i", operation.c_str(), peer.c_str())};
      const auto span = fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, type, 0, 0, false, operation.c_str(), peer.c_str(),
                                              nullptr, nullptr, &refs);
      const auto spans = fbb.CreateVector(&span, 1);
      const Bytes bytes = finish(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
      return parse(encode({{bytes, "svc", "ins"}}, {PrivacyRules(PrivacyOptions{}), "cluster/"}, &changes))
          .segments(0)
          .spans(0);
    };
    SegmentChanges changes;
    const auto exit = encoded(fbs::SpanType::Exit, long_name, "u:p@h:1", changes);
    CHECK(exit.operation_name() == std::string(149, 'x'));
    CHECK(exit.refs(0).parent_endpoint() == std::string(149, 'x'));
    CHECK(exit.peer() == "cluster/***@h:1");
    CHECK(exit.refs(0).network_address_used_at_peer() == "***@h:1");
    CHECK(changes == SegmentChanges{0, 0, 2, 2, 0});
    const auto entry = encoded(fbs::SpanType::Entry, "/a", std::string(200, 'p'), changes);
    CHECK(entry.peer() == std::string(200, 'p'));
    CHECK(changes == SegmentChanges{});
    const auto long_exit = encoded(fbs::SpanType::Exit, "/a", std::string(200, 'p'), changes);
    CHECK(long_exit.peer() == "cluster/" + std::string(192, 'p'));
    CHECK(changes == SegmentChanges{0, 0, 0, 0, 1});
    CHECK(encoded(fbs::SpanType::Exit, "/a", "", changes).peer() == "");
  }

  TEST_CASE("what does not fit the message any more is not counted as changed") {
    SegmentEncoder encoder({PrivacyRules(PrivacyOptions{}), {}});
    const Bytes bytes = segment_with_span(0, 0, "/a?token=x");
    REQUIRE(encoder.add({bytes, "svc", "ins"}, 1) == SegmentEncoder::Added::yes);
    CHECK(encoder.changes().urls_masked == 1);
    CHECK(encoder.add({bytes, "svc", "ins"}, 1) == SegmentEncoder::Added::full);
    CHECK(encoder.changes().urls_masked == 1);
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    CHECK(parse({out.begin(), out.end()}).segments(0).spans(0).operation_name() == "/a?token=***");
    encoder.clear();
    CHECK(encoder.changes() == SegmentChanges{});
  }

  TEST_CASE("keys that push each other out of the cache are treated all the same") {
    SegmentEncoder encoder({PrivacyRules(PrivacyOptions{}), {}});
    for (int round = 0; round < 2; ++round) {
      flatbuffers::FlatBufferBuilder fbb;
      std::vector<flatbuffers::Offset<fbs::Tag>> tags;
      for (int i = 0; i < 2000; ++i)
        tags.push_back(fbs::CreateTagDirect(
            fbb, (std::string(static_cast<std::size_t>(i) % 45, 'k') + (i % 2 == 0 ? "token" : "taken")).c_str(),
            "value"));
      const auto span =
          fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Local, 0, 0, false, nullptr, nullptr, &tags);
      const auto spans = fbb.CreateVector(&span, 1);
      const fbs::Id id(1, 2, 3);
      const Bytes bytes = finish(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
      encoder.clear();
      REQUIRE(encoder.add({bytes, "svc", "ins"}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
      CHECK(encoder.changes().tags_masked == 1000);
      std::vector<std::uint8_t> out(encoder.size());
      encoder.write(out.data());
      const auto collection = parse({out.begin(), out.end()});
      for (const auto& tag : collection.segments(0).spans(0).tags())
        CHECK((tag.value() == "***") == (tag.key().find("token") != std::string::npos));
    }
  }

  TEST_CASE("what does not fit the message any more is left for the next one") {
    SegmentEncoder encoder;
    const Bytes bytes = segment_with_span(0, 0);
    REQUIRE(encoder.add({bytes, "svc", "ins"}, 1) == SegmentEncoder::Added::yes);  // the first always fits
    const std::size_t one = encoder.size();
    CHECK(encoder.add({bytes, "svc", "ins"}, 2 * one - 1) == SegmentEncoder::Added::full);
    CHECK(encoder.size() == one);
    CHECK(encoder.add({bytes, "svc", "ins"}, 2 * one) == SegmentEncoder::Added::yes);
    CHECK(encoder.size() == 2 * one);
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    CHECK(parse({out.begin(), out.end()}).segments_size() == 2);
    encoder.clear();
    CHECK(encoder.size() == 0);
  }

  TEST_CASE("bytes that are no segment are unencodable") {
    SegmentEncoder encoder;
    const Bytes zeros(100, 0), little{1, 2, 3};
    CHECK(encoder.add({zeros, "svc", "ins"}, 1000) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.add({little, "svc", "ins"}, 1000) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.add({{}, "svc", "ins"}, 1000) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.size() == 0);
  }

  TEST_CASE("a segment that unfolds beyond the bound is unencodable and leaves no trace") {
    // one long text that many tags share: small as a flatbuffer, huge when written out
    flatbuffers::FlatBufferBuilder fbb;
    const auto text = fbb.CreateString(std::string(60'000, 'x'));
    const std::vector<flatbuffers::Offset<fbs::Tag>> tags(300, fbs::CreateTag(fbb, text, text));
    const auto span =
        fbs::CreateSpanDirect(fbb, 0, -1, 0, 0, fbs::SpanType::Local, 0, 0, false, nullptr, nullptr, &tags);
    const auto spans = fbb.CreateVector(&span, 1);
    const fbs::Id id(1, 2, 3);
    const Bytes bomb = finish(fbb, fbs::CreateSegment(fbb, &id, 0, &id, spans));
    const Bytes good = segment_with_span(0, 0);
    SegmentEncoder encoder;
    CHECK(encoder.add({bomb, "svc", "ins"}, ~std::size_t{0}) == SegmentEncoder::Added::unencodable);
    CHECK(encoder.add({good, "svc", "ins"}, ~std::size_t{0}) == SegmentEncoder::Added::yes);
    std::vector<std::uint8_t> out(encoder.size());
    encoder.write(out.data());
    CHECK(std::string(out.begin(), out.end()) == encode_one(good));
  }
}

TEST_SUITE("uplink/utf8") {
  TEST_CASE("every text of up to three bytes is repaired as the plain rule says") {
    constexpr unsigned char kBytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                        0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    for (const unsigned char a : kBytes)
      for (const unsigned char b : kBytes)
        for (const unsigned char c : kBytes)
          for (const unsigned char d : {0x41, 0x80, 0xBF, 0xF0}) {
            const std::string text{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                   static_cast<char>(d)};
            REQUIRE(v3::repaired(text) == plain_repair(text));
            REQUIRE(v3::utf8_size(text).valid == (plain_repair(text) == text));
          }
  }

  TEST_CASE("the letters without which there is nothing to hide are seen wherever they stand") {
    for (std::size_t size = 1; size < 20; ++size)
      for (std::size_t at = 0; at < size; ++at)
        for (int letter = 0; letter < 0x80; ++letter) {
          std::string text(size, 'a');
          text[at] = static_cast<char>(letter);
          const v3::Utf8Size found = v3::utf8_size(text);
          REQUIRE(found.marks == (std::string(";<=>?@").find(static_cast<char>(letter)) != std::string::npos));
          REQUIRE(found.valid);
          REQUIRE(found.bytes == size);
        }
    CHECK_FALSE(v3::utf8_size("").marks);
    CHECK(v3::utf8_size("\xC3\xA9=").marks);
  }

  TEST_CASE("valid text of any length stays as it is") {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      CHECK(v3::repaired(text) == text);
      text += i % 3 == 0 ? "\xE2\x82\xAC" : "a";
    }
  }
}
