#include "base/cut_utf16.h"

#include <doctest/doctest.h>

#include <string>

using namespace sidecar;

TEST_SUITE("base/cut_utf16") {
  TEST_CASE("ASCII is cut to so many letters") {
    CHECK(cut_utf16("abc", 4) == "abc");
    CHECK(cut_utf16("abc", 3) == "abc");
    CHECK(cut_utf16("abc", 2) == "ab");
    CHECK(cut_utf16("abc", 0) == "");
    CHECK(cut_utf16("", 0) == "");
  }

  TEST_CASE("a code point counts its UTF-16 units and stays whole") {
    const std::string euro = "\xE2\x82\xAC", clef = "\xF0\x9D\x84\x9E";
    CHECK(cut_utf16("a" + euro + euro, 2) == "a" + euro);
    CHECK(cut_utf16(euro + "\xC3\xA9" + "ab", 3) == euro + "\xC3\xA9" + "a");
    CHECK(cut_utf16(clef + clef, 4) == clef + clef);
    CHECK(cut_utf16(clef + clef, 3) == clef);
    CHECK(cut_utf16(clef + clef, 2) == clef);
    CHECK(cut_utf16(clef + clef, 1) == "");
  }

  TEST_CASE("units are counted as they are cut") {
    for (const std::string text : {"", "abc", "\xE2\x82\xAC",
                                   "\xF0\x9D\x84\x9E"
                                   "a",
                                   "\xF0\x9D"
                                   "a",
                                   "\x80"}) {
      const std::size_t units = utf16_units(text);
      CHECK(cut_utf16(text, units) == text);
      if (units > 0) CHECK(cut_utf16(text, units - 1) != text);
    }
    CHECK(utf16_units("\xF0\x9D\x84\x9E"
                      "a") == 3);
  }

  TEST_CASE("what is no UTF-8 counts by the byte and is never read beyond") {
    CHECK(cut_utf16("\x80\x80\x80", 2) == "\x80\x80");
    CHECK(cut_utf16("\xE2\x82", 1) == "\xE2");
    CHECK(cut_utf16("\xF0\x9D"
                    "abc",
                    3) ==
          "\xF0\x9D"
          "a");
    CHECK(cut_utf16("\xFF\xC0"
                    "a",
                    2) == "\xFF\xC0");
    CHECK(cut_utf16(std::string_view("\xF0\x9D\x84\x9E", 3), 1) == "\xF0");
  }
}
