#include "config/text.h"

#include <doctest/doctest.h>

using namespace sidecar;

TEST_SUITE("config/text") {
  TEST_CASE("expand replaces once and never looks at what it put in") {
    const Environment environment({{"A", "1"}, {"B", "${A}"}, {"EMPTY", ""}});
    CHECK(expand("x${A}y", environment) == "x1y");
    CHECK(expand("${B}", environment) == "${A}");
    CHECK(expand("${EMPTY:d}", environment) == "");
    CHECK(expand("${NO:d}${NO:}", environment) == "d");
    CHECK(expand("${NO:a:b}", environment) == "a:b");
    CHECK(expand("$${A} $5 $", environment) == "${A} $5 $");
    CHECK(expand("", environment) == "");
  }

  TEST_CASE("expand refuses what it does not understand") {
    const Environment environment({{"A", "1"}, {"LONG", std::string(kMaxExpanded + 1, 'x')}});
    for (const char* bad :
         {"${", "${A", "${}", "${:x}", "${1A}", "${A B}", "${NO}", "${NO:${A}}", "${LONG}", "${-x}"}) {
      CAPTURE(bad);
      CHECK_FALSE(expand(bad, environment).has_value());
    }
    std::string many;
    for (int i = 0; i < 5000; ++i) many += "${A}";
    CHECK_FALSE(expand(many, environment).has_value());
  }

  TEST_CASE("nearest finds a slip of the finger and nothing far away") {
    const std::vector<std::string> names = {"channels", "slots", "memory", "strategy"};
    CHECK(nearest("chanels", names) == "channels");
    CHECK(nearest("slost", names) == "slots");
    CHECK(nearest("strategie", names) == "strategy");
    CHECK(nearest("strat", names) == "strategy");
    CHECK(nearest("x", names).empty());
    CHECK(nearest("frobnicate", names).empty());
    CHECK(nearest(std::string(100'000, 'a'), names).empty());
  }

  TEST_CASE("quoted text is short and harmless") {
    CHECK(quoted("abc") == "'abc'");
    CHECK(quoted("\x1b[0m\n\xc3\xa9") == "'\\x1b[0m\\x0a\\xc3\\xa9'");
    CHECK(quoted(std::string(100, 'a')) == "'" + std::string(64, 'a') + "...'");
  }
}
