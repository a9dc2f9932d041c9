#include "handover/identity_table.h"

#include <doctest/doctest.h>

#include "handover/table_frame.h"
#include "make.h"

using namespace sidecar;

namespace {

// Every field set to something that is not its default.
LeftSession full(std::uint64_t epoch = 1) {
  LeftSession session;
  session.connection = "c" + std::to_string(epoch);
  AgentIdentity& who = session.identity;
  who.key = {0x1111, 0x2222, epoch};
  who.service = "shop";
  who.instance = "shop@web-1#3";
  who.said = {"shop of all shops", "the third"};
  who.service_cut = true;
  who.instance_cut = true;
  who.layer = "MESH";
  who.properties = {{"zone", "b"}, {"zone", "c"}, {"empty", ""}};
  who.exe = "/usr/bin/shop";
  who.language = "rust";
  who.shim_version = "0.1.0";
  who.slot = 3;
  who.uid = 1000;
  who.pid = 4711;
  who.pid_inside = 7;
  who.start_time_us = 1'795'471'500'000'000;
  who.start_ticks = 123'456;
  who.beats = true;
  session.accepted = 40;
  session.settled = 30;
  return session;
}

IdentityTable table_of(std::vector<LeftSession> sessions) {
  return {0xE0E0, {0xB007, 0x1D}, 9, 0xA3E5, std::move(sessions)};
}

Result<IdentityTable> round_trip(const IdentityTable& table) { return decode_table(encode_table(table).bytes); }

Errc refusal(const IdentityTable& table) {
  const auto decoded = round_trip(table);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message.size() > 10);
  return decoded.error().code;
}

}  // namespace

TEST_SUITE("handover/identity_table") {
  TEST_CASE("a table comes back as it was left") {
    const IdentityTable table = table_of({full(1), full(2)});
    const auto decoded = round_trip(table);
    REQUIRE(decoded);
    CHECK(decoded->sidecar_epoch == 0xE0E0);
    CHECK(decoded->boot == BootId{0xB007, 0x1D});
    CHECK(decoded->generation == 9);
    CHECK(decoded->naming == 0xA3E5);
    REQUIRE(decoded->sessions.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const LeftSession& is = decoded->sessions[i];
      const LeftSession& was = table.sessions[i];
      CHECK(is.connection == was.connection);
      CHECK(is.identity.key == was.identity.key);
      CHECK(is.identity.service == was.identity.service);
      CHECK(is.identity.instance == was.identity.instance);
      CHECK(is.identity.said.service == was.identity.said.service);
      CHECK(is.identity.said.instance == was.identity.said.instance);
      CHECK(is.identity.service_cut == was.identity.service_cut);
      CHECK(is.identity.instance_cut == was.identity.instance_cut);
      CHECK(is.identity.layer == was.identity.layer);
      CHECK(is.identity.properties == was.identity.properties);
      CHECK(is.identity.exe == was.identity.exe);
      CHECK(is.identity.language == was.identity.language);
      CHECK(is.identity.shim_version == was.identity.shim_version);
      CHECK(is.identity.slot == was.identity.slot);
      CHECK(is.identity.uid == was.identity.uid);
      CHECK(is.identity.pid == was.identity.pid);
      CHECK(is.identity.pid_inside == was.identity.pid_inside);
      CHECK(is.identity.start_time_us == was.identity.start_time_us);
      CHECK(is.identity.start_ticks == was.identity.start_ticks);
      CHECK(is.identity.beats == was.identity.beats);
      CHECK(is.accepted == was.accepted);
      CHECK(is.settled == was.settled);
    }
  }

  TEST_CASE("an empty table is a table") {
    const auto decoded = round_trip(table_of({}));
    REQUIRE(decoded);
    CHECK(decoded->sessions.empty());
    CHECK(decoded->sidecar_epoch == 0xE0E0);
  }

  TEST_CASE("a session that could not have been written so is refused, and the whole table with it") {
    LeftSession odd = full(2);
    SUBCASE("no service") { odd.identity.service.clear(); }
    SUBCASE("no instance") { odd.identity.instance.clear(); }
    SUBCASE("nothing said of the service") { odd.identity.said.service.clear(); }
    SUBCASE("something odd said of the instance") { odd.identity.said.instance = "a\x1b"; }
    SUBCASE("a control character") { odd.identity.service = "a\nb"; }
    SUBCASE("not UTF-8") { odd.identity.properties[0].second = "\xff"; }
    SUBCASE("a name that is too long") { odd.identity.instance = std::string(256, 'x'); }
    SUBCASE("a property without a key") { odd.identity.properties[0].first.clear(); }
    SUBCASE("too many properties") { odd.identity.properties.assign(65, {"k", "v"}); }
    SUBCASE("a program's path that is too long") { odd.identity.exe = std::string(1025, 'x'); }
    SUBCASE("no uuid") { odd.identity.key = {0, 0, 1}; }
    SUBCASE("a slot below none") { odd.identity.slot = -2; }
    SUBCASE("a slot beyond all") { odd.identity.slot = 65'536; }
    SUBCASE("a negative process") { odd.identity.pid = -1; }
    SUBCASE("a time before time") { odd.identity.start_time_us = -1; }
    SUBCASE("more settled than accepted") { odd.settled = odd.accepted + 1; }
    SUBCASE("a number beyond all") { odd.accepted = kMaxLeftSeq + 1; }
    SUBCASE("a connection's name that is too long") { odd.connection = "123456789"; }
    SUBCASE("a session twice") { odd.identity.key = full(1).identity.key; }
    SUBCASE("a connection twice") { odd.connection = full(1).connection; }
    CHECK(refusal(table_of({full(1), odd})) == Errc::corrupt);
  }

  TEST_CASE("sessions that are not in the descriptor store may be many") {
    LeftSession one = full(1);
    LeftSession other = full(2);
    one.connection.clear();
    other.connection.clear();
    REQUIRE(round_trip(table_of({one, other})));
  }

  TEST_CASE("what is cut anywhere, or changed anywhere, is refused") {
    const std::vector<std::uint8_t> bytes = encode_table(table_of({full(1)})).bytes;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(decode_table(cut));
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      if (at == 6 || at == 7) continue;  // not looked at, for what they may come to mean
      std::vector<std::uint8_t> changed = bytes;
      changed[at] ^= 0x10;
      CHECK_FALSE(decode_table(changed));
    }
  }

  TEST_CASE("what follows the table is not looked at") {
    std::vector<std::uint8_t> bytes = encode_table(table_of({full(1)})).bytes;
    bytes.resize(bytes.size() + 4096, 0xAA);
    CHECK(decode_table(bytes));
  }

  TEST_CASE("another version is named, an announced size beyond the bound is refused before it is believed") {
    std::vector<std::uint8_t> bytes = encode_table(table_of({})).bytes;
    std::vector<std::uint8_t> newer = bytes;
    newer[4] = 2;
    REQUIRE_FALSE(decode_table(newer));
    CHECK(decode_table(newer).error().code == Errc::invalid_argument);
    CHECK(decode_table(newer).error().message.find("version 2") != std::string::npos);
    bytes[15] = 0x7f;
    CHECK(decode_table(bytes).error().code == Errc::limit_exceeded);
  }

  TEST_CASE("bytes of a right sum that are no flatbuffer are refused") {
    for (const std::size_t size : {0, 1, 4, 11, 12, 64}) {
      const std::vector<std::uint8_t> payload(size, 0xff);
      CHECK_FALSE(decode_table(frame_table(payload)));
    }
  }

  TEST_CASE("what does not fit is left out and counted, and the rest can be read") {
    IdentityTable table = table_of({});
    SUBCASE("too many") {
      for (std::uint64_t i = 1; i <= kMaxSessions + 3; ++i) {
        LeftSession session;
        session.identity = make_identity("s", "i", i);
        session.identity.said = {"s", "i"};
        table.sessions.push_back(std::move(session));
      }
    }
    SUBCASE("too large") {
      for (std::uint64_t i = 1; i <= 1500; ++i) {
        LeftSession session;
        session.identity = make_identity("s", "i", i);
        session.identity.said = {"s", "i"};
        for (unsigned p = 0; p < 15; ++p) session.identity.properties.emplace_back("k", std::string(1024, 'v'));
        table.sessions.push_back(std::move(session));
      }
    }
    const EncodedTable encoded = encode_table(table);
    CHECK(encoded.left_out > 0);
    CHECK(encoded.bytes.size() <= kMaxTableBytes);
    const auto decoded = decode_table(encoded.bytes);
    REQUIRE_MESSAGE(decoded.has_value(), (decoded ? std::string() : decoded.error().message));
    CHECK(decoded->sessions.size() + encoded.left_out == table.sessions.size());
    CHECK(decoded->sessions.size() > 900);
  }
}
