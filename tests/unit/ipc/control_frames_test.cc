#include "ipc/control_frames.h"

#include <control_generated.h>
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <set>

#include "ipc/control_reader.h"

using namespace sidecar;
using namespace sidecar::ipc_protocol;

namespace {

template <class Table>
const Table& payload_of(const FrameBytes& frame, FrameType type) {
  FrameHeader header;
  REQUIRE(frame.size() > sizeof header);
  std::memcpy(&header, frame.data(), sizeof header);
  CHECK(header.magic == kMagic);
  CHECK(header.header_words == kHeaderWords);
  CHECK(header.type == static_cast<std::uint8_t>(type));
  CHECK((header.type & kTypeFromSidecar) != 0);
  CHECK(header.payload_size == frame.size() - sizeof header);
  const Table* const table = read_control<Table>(std::span(frame).subspan(sizeof header));
  REQUIRE(table != nullptr);
  return *table;
}

}  // namespace

TEST_SUITE("ipc/control_frames") {
  TEST_CASE("WELCOME carries what it was given") {
    WelcomeFields fields;
    fields.capabilities = kCapPage;
    fields.sidecar_epoch = 5;
    fields.known = true;
    fields.accepted = 9;
    fields.settled = 8;
    fields.instance = "shop@host";
    fields.slot = 2;
    fields.sampling = std::int64_t{1} << 40;
    fields.enabled = false;
    fields.peer_uid = 1000;
    fields.peer_pid = 77;
    fields.upstream = UpstreamState::down;
    fields.service = "shop|ns|east";
    fields.peer_prefix = "east/";
    const FrameBytes bytes = welcome_frame(fields);
    const auto& welcome = payload_of<fbs::Welcome>(bytes, FrameType::welcome);
    CHECK(welcome.capabilities() == kCapPage);
    CHECK(welcome.sidecar_epoch() == 5);
    CHECK(welcome.known());
    CHECK(welcome.accepted() == 9);
    CHECK(welcome.settled() == 8);
    CHECK(welcome.max_frame() == kMaxFrame);
    CHECK(welcome.instance()->str() == "shop@host");
    CHECK(welcome.slot() == 2);
    CHECK(welcome.sampling() == std::numeric_limits<std::int32_t>::max());
    CHECK_FALSE(welcome.enabled());
    CHECK(welcome.peer_uid() == 1000);
    CHECK(welcome.peer_pid() == 77);
    CHECK(welcome.upstream() == 3);
    CHECK(welcome.service()->str() == "shop|ns|east");
    CHECK(welcome.peer_prefix()->str() == "east/");
  }

  TEST_CASE("CONFIG carries the operations to ignore, and fits a control frame at its limits") {
    IgnoreRules rules{{".jpg"}, {"/health/**", "/a?"}};
    const FrameBytes bytes = config_frame(rules, 3);
    const auto& config = payload_of<fbs::Config>(bytes, FrameType::config);
    CHECK(config.version() == 3);
    REQUIRE(config.ignore_suffixes()->size() == 1);
    CHECK(config.ignore_suffixes()->Get(0)->str() == ".jpg");
    REQUIRE(config.ignore_patterns()->size() == 2);
    CHECK(config.ignore_patterns()->Get(1)->str() == "/a?");
    rules.suffixes.assign(kMaxIgnoreRules, std::string(kMaxIgnoreText, 's'));
    rules.patterns.assign(kMaxIgnoreRules, std::string(kMaxIgnoreText, 'p'));
    CHECK(config_frame(rules, 3).size() <= kMaxControlFrame);
  }

  TEST_CASE("REJECT says whether to come back, and when") {
    const FrameBytes busy = reject_frame({RejectCode::busy, "full", std::chrono::microseconds(1'500'001)});
    const auto& come_back = payload_of<fbs::Reject>(busy, FrameType::reject);
    CHECK(come_back.code() == 5);
    CHECK(come_back.message()->str() == "full");
    CHECK(come_back.retry_after_ms() == 1501);
    CHECK_FALSE(come_back.permanent());
    const FrameBytes bad = reject_frame({RejectCode::bad_hello, "no", Duration::zero()});
    CHECK(payload_of<fbs::Reject>(bad, FrameType::reject).permanent());
  }

  TEST_CASE("the other frames carry their numbers") {
    const FrameBytes drain = drain_frame({std::chrono::seconds(1), std::chrono::hours(24 * 365 * 9), Duration(-5)});
    CHECK(payload_of<fbs::Drain>(drain, FrameType::drain).send_within_ms() == 1000);
    CHECK(payload_of<fbs::Drain>(drain, FrameType::drain).reconnect_after_ms() == 0xFFFFFFFF);
    CHECK(payload_of<fbs::Drain>(drain, FrameType::drain).jitter_ms() == 0);
    const FrameBytes ack = ack_frame(4, 3);
    CHECK(payload_of<fbs::Ack>(ack, FrameType::ack).accepted() == 4);
    CHECK(payload_of<fbs::Ack>(ack, FrameType::ack).settled() == 3);
    CHECK(payload_of<fbs::Rehello>(rehello_frame(6), FrameType::rehello).sidecar_epoch() == 6);
    CHECK(payload_of<fbs::Probe>(probe_frame(7), FrameType::probe).token() == 7);
  }

  TEST_CASE("every code has a name of its own") {
    std::set<std::string_view> names(kRejectCodeNames.begin(), kRejectCodeNames.end());
    CHECK(names.size() == kRejectCodes);
    CHECK(to_text(RejectCode::not_allowed) == "not_allowed");
    CHECK(to_text(RejectCode::too_many_bad_records) == "too_many_bad_records");
  }
}
