// The shim's own writer against flatc's code: random segments have to verify, and
// read back equal in every field.

#include <sidecar/shim.h>

#include <random>

#include "peer.h"

using namespace sidecar;
using namespace sidecar_test;
using detail::Builder;
using detail::CutCounters;
using detail::Limits;
using detail::SegmentWriter;
using detail::SpanKind;

namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(engine_() % n); }
  std::string text(unsigned max) {
    std::string out(below(max + 1), ' ');
    for (char& c : out) c = static_cast<char>('a' + below(26));
    return out;
  }
  std::int64_t number() { return static_cast<std::int64_t>(engine_() >> 2) + 1; }

 private:
  std::mt19937_64 engine_;
};

detail::IdData random_id(Builder& b, Random& random, CutCounters& cut) {
  detail::IdData id;
  if (random.below(2) == 0) {
    for (auto& part : id.parts) part = random.number();
  } else {
    id.text = b.add_text("x" + random.text(40), ipc::kMaxForeignId, cut);
  }
  return id;
}

void fill(Builder& b, Random& random, unsigned max_spans) {
  CutCounters cut;
  Limits limits;
  limits.value = ipc::kMaxValue;
  b.base_real_us = random.number() / 4;
  b.base_mono_ns = detail::monotonic_ns();
  for (auto& part : b.segment_id) part = random.number();
  b.trace = random_id(b, random, cut);
  b.size_limited = random.below(2) == 0;
  const unsigned spans = 1 + random.below(max_spans);
  for (unsigned i = 0; i < spans; ++i) {
    const std::uint32_t parent = i == 0 ? detail::kNone : random.below(i);
    const auto at = b.add_span(static_cast<SpanKind>(random.below(3)), random.text(30), parent, limits, cut);
    REQUIRE(at == i);
    auto& span = b.spans[at];
    span.component = static_cast<int>(random.below(100)) - 50;
    span.layer = static_cast<std::uint8_t>(random.below(7));
    span.error = random.below(2) == 0;
    span.skip_analysis = random.below(2) == 0;
    if (random.below(2) == 0) span.peer = b.add_text(random.text(20), ipc::kMaxPeer, cut);
    for (unsigned t = random.below(6); t > 0; --t) b.add_tag(at, "k" + random.text(9), random.text(60), limits, cut);
    for (unsigned l = random.below(4); l > 0; --l) {
      const auto log = b.add_log(at, random.number(), limits, cut);
      for (unsigned k = random.below(4); k > 0; --k)
        b.add_field(log, "f" + random.text(5), random.text(20), limits, cut);
    }
    for (unsigned r = random.below(3); r > 0; --r) {
      detail::RefData ref;
      ref.trace = random_id(b, random, cut);
      ref.segment = random_id(b, random, cut);
      ref.service = b.add_text(random.text(3), ipc::kMaxName, cut);
      ref.instance = b.add_text(random.text(3), ipc::kMaxName, cut);
      ref.endpoint = b.add_text(random.text(3), ipc::kMaxName, cut);
      ref.address = b.add_text(random.text(3), ipc::kMaxPeer, cut);
      ref.span_id = static_cast<int>(random.below(100));
      ref.cross_thread = random.below(2) == 0;
      b.add_ref(at, ref, cut);
    }
    if (random.below(4) != 0) b.end_span(at);
  }
}

void check_text(const Builder& b, detail::Slice expected, const flatbuffers::String* got) {
  CHECK(text(got) == b.text.view(expected));
}

void check_id(const Builder& b, const detail::IdData& expected, const fbs::Id* own,
              const flatbuffers::String* foreign) {
  REQUIRE((own != nullptr) == expected.own());
  REQUIRE((foreign != nullptr) != expected.own());
  if (own == nullptr) return check_text(b, expected.text, foreign);
  CHECK(own->p1() == expected.parts[0]);
  CHECK(own->p2() == expected.parts[1]);
  CHECK(own->p3() == expected.parts[2]);
}

template <class Vector>
unsigned size_of(const Vector* vector) {
  return vector == nullptr ? 0 : vector->size();
}

template <class Vector>
void check_tags(Builder& b, std::uint32_t first, std::uint32_t count, const Vector* got) {
  REQUIRE(size_of(got) == count);
  for (std::uint32_t i = first, n = 0; i != detail::kNone; i = b.tags[i].next, ++n) {
    check_text(b, b.tags[i].key, got->Get(n)->key());
    check_text(b, b.tags[i].value, got->Get(n)->value());
  }
}

void check_span(Builder& b, unsigned at, const fbs::Span& got) {
  const auto& span = b.spans[at];
  CHECK(got.span_id() == static_cast<int>(at));
  CHECK(got.parent_span_id() == span.parent);
  CHECK(got.start_us() == span.start_us);
  CHECK(got.duration_us() == span.duration_us);
  CHECK(static_cast<int>(got.type()) == static_cast<int>(span.kind));
  CHECK(got.layer() == span.layer);
  CHECK(got.component() == span.component);
  CHECK(got.error() == span.error);
  CHECK(got.skip_analysis() == span.skip_analysis);
  check_text(b, span.operation, got.operation());
  check_text(b, span.peer, got.peer());
  check_tags(b, span.tags.first, span.tags.count, got.tags());
  REQUIRE(size_of(got.logs()) == span.logs.count);
  for (std::uint32_t i = span.logs.first, n = 0; i != detail::kNone; i = b.logs[i].next, ++n) {
    CHECK(got.logs()->Get(n)->time_us() == b.logs[i].time_us);
    check_tags(b, b.logs[i].first, b.logs[i].count, got.logs()->Get(n)->data());
  }
  REQUIRE(size_of(got.refs()) == span.refs.count);
  for (std::uint32_t i = span.refs.first, n = 0; i != detail::kNone; i = b.refs[i].next, ++n) {
    const auto& ref = b.refs[i];
    const auto& other = *got.refs()->Get(n);
    check_id(b, ref.trace, other.trace_id(), other.trace_id_text());
    check_id(b, ref.segment, other.segment_id(), other.segment_id_text());
    CHECK(static_cast<int>(other.type()) == (ref.cross_thread ? 1 : 0));
    CHECK(other.span_id() == ref.span_id);
    check_text(b, ref.service, other.parent_service());
    check_text(b, ref.instance, other.parent_instance());
    check_text(b, ref.endpoint, other.parent_endpoint());
    check_text(b, ref.address, other.address());
  }
}

}  // namespace

TEST_SUITE_BEGIN("shim/writer");

TEST_CASE("random segments verify and read back equal") {
  Builder b;
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    b.clear();
    fill(b, random, seed % 10 == 0 ? 60 : 8);
    CutCounters cut;
    REQUIRE(SegmentWriter(b).write(ipc::kMaxSegment, cut));
    const Aligned bytes(b.encoded.data(), b.encoded.size());
    const fbs::Segment* const got = verified_segment(bytes.data(), bytes.size());
    REQUIRE(got != nullptr);
    check_id(b, b.trace, got->trace_id(), got->trace_id_text());
    CHECK(got->segment_id()->p2() == b.segment_id[1]);
    CHECK(got->size_limited() == b.size_limited);
    REQUIRE(got->spans()->size() == b.spans.size());
    for (unsigned i = 0; i < b.spans.size(); ++i) check_span(b, i, *got->spans()->Get(i));
    CHECK(cut.segments.load() == 0);
  }
}

TEST_CASE("whatever the room, what is written verifies and its spans are whole") {
  Builder b;
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random(seed);
    b.clear();
    fill(b, random, 8);
    const unsigned spans = b.spans.size();
    CutCounters cut;
    REQUIRE(SegmentWriter(b).write(ipc::kMaxSegment, cut));
    const std::size_t whole = b.encoded.size();
    for (std::size_t max = whole; max > 40; max -= 1 + max / 40) {
      CutCounters less;
      b.clear();
      Random again(seed);
      fill(b, again, 8);
      if (!SegmentWriter(b).write(max, less)) continue;
      REQUIRE(b.encoded.size() <= max);
      const Aligned bytes(b.encoded.data(), b.encoded.size());
      const fbs::Segment* const got = verified_segment(bytes.data(), bytes.size());
      REQUIRE(got != nullptr);
      REQUIRE(got->spans()->size() >= 1);
      REQUIRE(got->spans()->size() <= spans);
      if (max < whole) CHECK(got->size_limited());
      for (unsigned i = 1; i < got->spans()->size(); ++i) check_span(b, i, *got->spans()->Get(i));
    }
  }
}

TEST_CASE("a full segment of the protocol's limits verifies") {
  Builder b;
  CutCounters cut;
  Limits limits;
  limits.spans = ipc::kMaxSpans;
  b.segment_id[0] = b.segment_id[1] = b.segment_id[2] = 1;
  b.trace.parts[0] = 1;
  for (unsigned i = 0; i < ipc::kMaxSpans; ++i) {
    REQUIRE(b.add_span(SpanKind::local, "o", i == 0 ? detail::kNone : 0, limits, cut) == i);
    b.add_tag(i, "k", "v", limits, cut);
    b.end_span(i);
  }
  REQUIRE(SegmentWriter(b).write(ipc::kMaxSegment, cut));
  const Aligned bytes(b.encoded.data(), b.encoded.size());
  const fbs::Segment* const got = verified_segment(bytes.data(), bytes.size());
  REQUIRE(got != nullptr);
  CHECK(got->spans()->size() > 1000);
}

TEST_SUITE_END();
