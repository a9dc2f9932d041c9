#include "log/log.h"

#include <doctest/doctest.h>

using namespace sidecar;
using namespace std::chrono_literals;

TEST_SUITE("log/printable") {
  TEST_CASE("plain text and well-formed UTF-8 stay as they are") {
    CHECK(printable("GET:/orders") == "GET:/orders");
    CHECK(printable("GET:/\xE8\xAE\xA2\xE5\x8D\x95 \xF0\x9F\x98\x80") ==
          "GET:/\xE8\xAE\xA2\xE5\x8D\x95 \xF0\x9F\x98\x80");
    CHECK(printable("") == "");
  }

  TEST_CASE("what could forge a line or a screen is escaped") {
    CHECK(printable("a\nb") == "a\\x0ab");
    CHECK(printable("\x1B[31m") == "\\x1b[31m");
    CHECK(printable("\x7F") == "\\x7f");
    CHECK(printable("\xC2\x85") == "\\xc2\\x85");           // C1: next line
    CHECK(printable("\xE2\x80\xAE") == "\\xe2\\x80\\xae");  // right-to-left override
    CHECK(printable("\xE2\x80\xA8") == "\\xe2\\x80\\xa8");  // line separator
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  }

  TEST_CASE("broken UTF-8 is escaped byte by byte") {
    CHECK(printable("\xFF") == "\\xff");
    CHECK(printable("\xC0\xAF") == "\\xc0\\xaf");                    // overlong
    CHECK(printable("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // surrogate
    CHECK(printable("\xE8\xAE") == "\\xe8\\xae");                    // cut
    CHECK(printable("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  }

  TEST_CASE("the result never passes its bound and says that it was cut") {
    CHECK(printable(std::string(200, 'a'), 10) == "aaaaaaa...");
    CHECK(printable("aaaaaaaaaa", 10) == "aaaaaaaaaa");
    const std::string odd = "ab\n\xE8\xAE\xA2" + std::string(20, '\n');
    for (std::size_t max = 0; max < 40; ++max) {
      CAPTURE(max);
      CHECK(printable(odd, max).size() <= max);
    }
  }
}

TEST_SUITE("log/limit") {
  TEST_CASE("one line passes per period and the next one says what was held back") {
    LogLimit limit(1min);
    Tick now{1h};
    CHECK(limit.pass(now));
    CHECK(limit.suppressed() == 0);
    for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.pass(now + 59s));
    CHECK(limit.pass(now + 60s));
    CHECK(limit.suppressed() == 5);
    CHECK(limit.suffix() == " (suppressed 5 like it)");
    CHECK(limit.pass(now + 120s));
    CHECK(limit.suppressed() == 0);
    CHECK(limit.suffix().empty());
  }

  TEST_CASE("several may pass per period") {
    LogLimit limit(1min, 3);
    const Tick now{1h};
    for (int i = 0; i < 3; ++i) CHECK(limit.pass(now + i * 1s));
    CHECK_FALSE(limit.pass(now + 4s));
    CHECK(limit.pass(now + 60s));
    CHECK(limit.suppressed() == 1);
    CHECK(limit.pass(now + 61s));
    CHECK(limit.suppressed() == 0);
  }
}
