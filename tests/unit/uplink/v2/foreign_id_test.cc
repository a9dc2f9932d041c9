#include "uplink/v2/foreign_id.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace sidecar;

TEST_SUITE("uplink/v2/foreign_id") {
  TEST_CASE("three numbers are those whose text says nothing else") {
    for (const char* text : {"1.2.3", "-1.0.9223372036854775807", "-9223372036854775808.0.1"}) {
      CAPTURE(text);
      CHECK(v2::three_numbers(text).has_value());
    }
    for (const char* text : {"", ".", "..", "1", "1.2", "1.2.", "1.2.3.", "1.2.3.4", " 1.2.3", "1.2.3 ", "+1.2.3",
                             "01.2.3", "-0.2.3", "1..3", "1.2.9223372036854775808", "a.2.3", "0x1.2.3"}) {
      CAPTURE(text);
      CHECK_FALSE(v2::three_numbers(text).has_value());
    }
  }

  // For ever: other hosts and later releases have to map a trace to the same numbers. Reckoned by another program.
  TEST_CASE("the mapping is what it was") {
    const auto check = [](const char* text, std::int64_t a, std::int64_t b, std::int64_t c) {
      const fbs::Id id = v2::mapped(text);
      CAPTURE(text);
      CHECK(id.p1() == a);
      CHECK(id.p2() == b);
      CHECK(id.p3() == c);
    };
    check("", 8056974233673738534, 2062761817371520746, 1149234389432173950);
    check("a", 189900332573052507, 1022522136305799851, 748141556031725893);
    check("0123456789abcdef0123456789abcdef", 2798179343231112947, 3723974197383563506, 541887208951415314);
  }

  TEST_CASE("mapped ids are positive and differ in each number") {
    std::set<std::int64_t> seen;
    for (int i = 0; i < 1000; ++i) {
      const fbs::Id id = v2::mapped("trace-" + std::to_string(i));
      for (const std::int64_t part : {id.p1(), id.p2(), id.p3()}) {
        CHECK(part > 0);
        CHECK(seen.insert(part).second);
      }
    }
  }
}
