// What the encoder of v2 makes of references and foreign ids, of which the collector insists on much.

#include <doctest/doctest.h>

#include "made_segments.h"
#include "uplink/v2/foreign_id.h"
#include "uplink/v2/segment_encoder.h"

using namespace sidecar;
using namespace sidecar::v2;

TEST_SUITE("uplink/v2/references") {
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
}
