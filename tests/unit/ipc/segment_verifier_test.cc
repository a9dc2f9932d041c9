#include "ipc/segment_verifier.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <memory>

#include "client_frames.h"

using namespace sidecar;
using client::SegmentSpec;

namespace {

SegmentVerdict verify(const client::Bytes& record) { return verify_segment(record); }

SegmentFault fault_with(const std::function<void(SegmentSpec&)>& change) {
  SegmentSpec spec;
  change(spec);
  return verify(client::segment(spec)).fault;
}

}  // namespace

TEST_SUITE("ipc/segment_verifier") {
  TEST_CASE("what the limits allow is accepted, one more is not") {
    struct Row {
      std::string what;
      std::function<void(SegmentSpec&)> most;
      std::function<void(SegmentSpec&)> more;
      SegmentFault fault;
    };
    const std::string foreign(client::kMaxForeignId, 'f');
    const std::vector<Row> rows = {
        {"spans", [](auto& s) { s.spans = 2000, s.tags = 0, s.share = true; },
         [](auto& s) { s.spans = 2001, s.tags = 0, s.share = true; }, SegmentFault::spans},
        {"tags", [](auto& s) { s.tags = 128; }, [](auto& s) { s.tags = 129; }, SegmentFault::tags},
        {"key", [](auto& s) { s.key = 256; }, [](auto& s) { s.key = 257; }, SegmentFault::tags},
        {"value", [](auto& s) { s.value = 32 * 1024; }, [](auto& s) { s.value = 32 * 1024 + 1; }, SegmentFault::tags},
        {"logs", [](auto& s) { s.logs = 512; }, [](auto& s) { s.logs = 513; }, SegmentFault::logs},
        {"fields", [](auto& s) { s.logs = 1, s.fields = 32; }, [](auto& s) { s.logs = 1, s.fields = 33; },
         SegmentFault::logs},
        {"refs", [](auto& s) { s.refs = 512; }, [](auto& s) { s.refs = 513; }, SegmentFault::refs},
        {"operation", [](auto& s) { s.operation = 1024; }, [](auto& s) { s.operation = 1025; }, SegmentFault::text},
        {"peer", [](auto& s) { s.peer = 256; }, [](auto& s) { s.peer = 257; }, SegmentFault::text},
        {"parent service", [](auto& s) { s.refs = 1, s.parent_service = 255; },
         [](auto& s) { s.refs = 1, s.parent_service = 256; }, SegmentFault::refs},
        {"parent endpoint", [](auto& s) { s.refs = 1, s.parent_endpoint = 1024; },
         [](auto& s) { s.refs = 1, s.parent_endpoint = 1025; }, SegmentFault::refs},
        {"address", [](auto& s) { s.refs = 1, s.address = 256; }, [](auto& s) { s.refs = 1, s.address = 257; },
         SegmentFault::refs},
        {"entry endpoint", [](auto& s) { s.refs = 1, s.entry_endpoint = 1024; },
         [](auto& s) { s.refs = 1, s.entry_endpoint = 1025; }, SegmentFault::refs},
        {"span id", [](auto& s) { s.span_id = std::numeric_limits<int>::max(); },
         [](auto& s) { s.span_id = -1, s.parent_span_id = 0; }, SegmentFault::spans},
        {"parent", [](auto& s) { s.parent_span_id = -1; }, [](auto& s) { s.parent_span_id = -2; }, SegmentFault::spans},
        {"own parent", [](auto& s) { s.span_id = 1, s.parent_span_id = 0; },
         [](auto& s) { s.span_id = 1, s.parent_span_id = 1; }, SegmentFault::spans},
        {"type", [](auto& s) { s.type = 2; }, [](auto& s) { s.type = 3; }, SegmentFault::spans},
        {"layer", [](auto& s) { s.layer = 6; }, [](auto& s) { s.layer = 7; }, SegmentFault::spans},
        {"ref type", [](auto& s) { s.refs = 1, s.ref_type = 1; }, [](auto& s) { s.refs = 1, s.ref_type = 2; },
         SegmentFault::refs},
        {"ref span id", [](auto& s) { s.refs = 1, s.ref_span_id = 0; }, [](auto& s) { s.refs = 1, s.ref_span_id = -1; },
         SegmentFault::refs},
        {"start", [](auto& s) { s.start_us = 0; }, [](auto& s) { s.start_us = -1; }, SegmentFault::times},
        {"duration", [](auto& s) { s.duration_us = 0; }, [](auto& s) { s.duration_us = -1; }, SegmentFault::times},
        {"end", [](auto& s) { s.start_us = 1, s.duration_us = std::numeric_limits<std::int64_t>::max() - 1; },
         [](auto& s) { s.start_us = 1, s.duration_us = std::numeric_limits<std::int64_t>::max(); },
         SegmentFault::times},
        {"log time", [](auto& s) { s.logs = 1, s.log_time_us = 0; }, [](auto& s) { s.logs = 1, s.log_time_us = -1; },
         SegmentFault::times},
        {"segment id", [](auto& s) { s.segment_id = fbs::Id(1, 1, 1); },
         [](auto& s) { s.segment_id = fbs::Id(1, 0, 1); }, SegmentFault::ids},
        {"trace id", [](auto& s) { s.trace_id = fbs::Id(1, 1, 1); }, [](auto& s) { s.trace_id = fbs::Id(1, 1, -1); },
         SegmentFault::ids},
        {"foreign trace id", [&](auto& s) { s.trace_id.reset(), s.trace_id_text = foreign; },
         [&](auto& s) { s.trace_id.reset(), s.trace_id_text = foreign + "f"; }, SegmentFault::ids},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      CHECK(std::string(to_text(fault_with(row.most))) == "none");
      CHECK(std::string(to_text(fault_with(row.more))) == to_text(row.fault));
    }
  }

  TEST_CASE("of an own id and a text exactly one is set") {
    CHECK(fault_with([](auto& s) { s.trace_id.reset(); }) == SegmentFault::ids);
    CHECK(fault_with([](auto& s) { s.trace_id_text = "both"; }) == SegmentFault::ids);
    CHECK(fault_with([](auto& s) { s.trace_id.reset(), s.trace_id_text = ""; }) == SegmentFault::ids);
    CHECK(fault_with([](auto& s) { s.refs = 1, s.ref_trace_id.reset(); }) == SegmentFault::refs);
    CHECK(fault_with([](auto& s) { s.refs = 1, s.ref_segment_id_text = "both"; }) == SegmentFault::refs);
    CHECK(fault_with([](auto& s) { s.refs = 1, s.ref_segment_id.reset(), s.ref_segment_id_text = "b.1"; }) ==
          SegmentFault::none);
  }

  TEST_CASE("a segment has a span") {
    CHECK(fault_with([](auto& s) { s.spans = 0; }) == SegmentFault::spans);
  }

  TEST_CASE("text that is not UTF-8 is accepted: the encoders repair it") {
    CHECK(fault_with([](auto& s) { s.trace_id.reset(), s.trace_id_text = "\xff\xfe"; }) == SegmentFault::none);
  }

  TEST_CASE("one string shared by all decodes to too much") {
    SegmentSpec spec;
    spec.spans = 1000;
    spec.tags = 128;
    spec.value = 32 * 1024;
    spec.share = true;
    const client::Bytes record = client::segment(spec);
    CHECK(record.size() < 100 * 1024);  // and would decode to 4 GB
    const SegmentVerdict verdict = verify(record);
    CHECK((verdict.fault == SegmentFault::decoded || verdict.fault == SegmentFault::structure));
    CHECK(verdict.decoded <= decoded_limit(record.size()));
    // few enough tables for the stock verifier: the walk alone stands in the way
    spec.spans = 1;
    spec.tags = 100;
    CHECK(verify(client::segment(spec)).fault == SegmentFault::decoded);
  }

  TEST_CASE("one span shared by all is stopped by the stock verifier's limit on tables") {
    SegmentSpec spec;
    spec.spans = 2000;
    spec.tags = 128;
    spec.share = spec.share_spans = true;
    CHECK(verify(client::segment(spec)).fault == SegmentFault::structure);
  }

  TEST_CASE("honest sharing is no bomb") {
    SegmentSpec spec;
    spec.spans = 1000;
    spec.tags = 0;
    spec.operation = spec.peer = 100;
    spec.share = true;
    CHECK(verify(client::segment(spec)).fault == SegmentFault::none);
  }

  TEST_CASE("sizes out of range never reach the stock verifier") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{39}, client::kMaxSegment + 1})
      CHECK(verify(client::Bytes(size, 0)).fault == SegmentFault::size);
    CHECK(verify(client::Bytes(40, 0)).fault == SegmentFault::identifier);
  }

  TEST_CASE("a record cut anywhere or with any bit turned is refused or still within the limits") {
    SegmentSpec spec;
    spec.spans = 2;
    spec.logs = 1;
    spec.refs = 1;
    const client::Bytes good = client::segment(spec);
    REQUIRE(verify(good).fault == SegmentFault::none);
    for (std::size_t size = 0; size < good.size(); ++size) {
      // a heap block of exactly this size: the sanitizer sees one byte too far
      const std::unique_ptr<std::uint8_t[]> cut(new std::uint8_t[size]);
      std::copy_n(good.begin(), size, cut.get());
      CHECK(verify_segment({cut.get(), size}).fault != SegmentFault::none);
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      client::Bytes flipped = good;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
      CHECK(verify(flipped).decoded <= decoded_limit(good.size()));
    }
  }

  TEST_CASE("every fault has a text of its own") {
    std::vector<std::string> texts;
    for (int i = 0; i <= static_cast<int>(SegmentFault::text); ++i) {
      const std::string text = to_text(static_cast<SegmentFault>(i));
      CHECK(std::find(texts.begin(), texts.end(), text) == texts.end());
      texts.push_back(text);
    }
    CHECK(std::find(texts.begin(), texts.end(), "unknown") == texts.end());
  }
}
