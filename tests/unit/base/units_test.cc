#include "base/units.h"

#include <doctest/doctest.h>

using namespace sidecar;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_SUITE("base/units") {
  TEST_CASE("durations are read as people write them") {
    CHECK(parse_duration("0ms") == Duration::zero());
    CHECK(parse_duration("250ms") == milliseconds(250));
    CHECK(parse_duration("2s") == seconds(2));
    CHECK(parse_duration("10m") == minutes(10));
    CHECK(parse_duration("1h") == hours(1));
    CHECK(parse_duration("87840h") == hours(87840));  // ten years
    CHECK(parse_duration("007s") == seconds(7));
  }

  TEST_CASE("what is not exactly digits and one unit is refused, and the message shows it") {
    for (const char* text :
         {"", "5", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1sec", "1S", "1ms2s", "0", "0x1s", "1\n"}) {
      const auto parsed = parse_duration(text);
      REQUIRE_FALSE(parsed);
      CHECK(parsed.error().code == Errc::invalid_argument);
      CHECK(parsed.error().message.find(text) != std::string::npos);
    }
  }

  TEST_CASE("too much is refused before it can overflow") {
    for (const char* text : {"87841h", "10000000000000000000s", "18446744073709551615h"}) {
      const auto parsed = parse_duration(text);
      REQUIRE_FALSE(parsed);
      CHECK(parsed.error().code == Errc::limit_exceeded);
    }
    CHECK_FALSE(parse_duration("18446744073709551616ms"));
    CHECK_FALSE(parse_bytes("1025GiB"));
    CHECK_FALSE(parse_bytes("1099511627777B"));
  }

  TEST_CASE("sizes are powers of 1024 and say so") {
    CHECK(parse_bytes("0B") == 0u);
    CHECK(parse_bytes("512KiB") == 512u * 1024);
    CHECK(parse_bytes("32MiB") == 32u << 20);
    CHECK(parse_bytes("1024GiB") == std::uint64_t{1} << 40);
    for (const char* text : {"", "1", "1K", "1KB", "1MB", "1kib", "-1B", "1.5GiB"}) CHECK_FALSE(parse_bytes(text));
  }

  TEST_CASE("what is formatted parses back to the same, in the shortest way") {
    CHECK(format_duration(seconds(90)) == "90s");
    CHECK(format_duration(seconds(120)) == "2m");
    CHECK(format_duration(hours(3)) == "3h");
    CHECK(format_duration(milliseconds(1500)) == "1500ms");
    CHECK(format_duration(Duration(999)) == "0ms");
    CHECK(format_duration(-seconds(1)) == "0ms");
    CHECK(format_bytes(1536) == "1536B");
    CHECK(format_bytes(1 << 20) == "1MiB");
    for (std::uint64_t ms = 0; ms < 10'000'000; ms = ms * 3 + 1)
      CHECK(parse_duration(format_duration(milliseconds(ms))) == milliseconds(ms));
    for (std::uint64_t bytes = 0; bytes < (std::uint64_t{1} << 40); bytes = bytes * 3 + 1)
      CHECK(parse_bytes(format_bytes(bytes)) == bytes);
  }

  TEST_CASE("for reading there are about three digits") {
    CHECK(human_duration(milliseconds(5)) == "5ms");
    CHECK(human_duration(-seconds(5)) == "0ms");
    CHECK(human_duration(milliseconds(2350)) == "2.3s");
    CHECK(human_duration(seconds(65)) == "1m05s");
    CHECK(human_duration(hours(3) + minutes(12)) == "3h12m");
    CHECK(human_duration(hours(49)) == "2d01h");
    CHECK(human_bytes(1023) == "1023 B");
    CHECK(human_bytes(1024) == "1.0 KiB");
    CHECK(human_bytes(1'468'006) == "1.4 MiB");
    CHECK(human_bytes(std::uint64_t{3} << 30) == "3.0 GiB");
    CHECK(human_bytes(std::uint64_t{5} << 40) == "5120.0 GiB");
  }
}
