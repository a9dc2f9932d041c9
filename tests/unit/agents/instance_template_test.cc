#include "agents/instance_template.h"

#include <doctest/doctest.h>

#include "agents/options.h"
#include "base/cut_utf16.h"

using namespace sidecar;

namespace {

// In the order of Placeholder.
PlaceholderValues values() { return {"shop", "shopd", "box", "10.0.0.1", "4711", std::string(32, 'a'), "2"}; }

std::string expand(std::string_view text, const PlaceholderValues& given = values(), std::string_view end = {}) {
  const auto made = InstanceTemplate::parse(text);
  REQUIRE(made);
  return made->expand(given, end).text;
}

std::string fault(std::string_view text) {
  const auto checked = check_instance_template(text);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_SUITE("agents/instance_template") {
  TEST_CASE("placeholders have their values, everything else stands for itself") {
    CHECK(expand("{service}@{host}") == "shop@box");
    CHECK(InstanceTemplate().expand(values(), "#1").text == "shop@box#1");
    CHECK(expand("{exe}-{pid}/{slot} on {ip}") == "shopd-4711/2 on 10.0.0.1");
    CHECK(expand("{uuid}") == std::string(32, 'a'));
    CHECK(expand("fixed") == "fixed");
    CHECK(expand("{pid}{pid}") == "47114711");
  }

  TEST_CASE("what cannot be a template is refused with a sentence") {
    CHECK(fault("").empty());  // the default
    CHECK(fault("  ") == "the names it gives would be empty");
    CHECK(fault("a}") == "a '}' without its '{'");
    CHECK(fault("{pid") == "a '{' without its '}'");
    CHECK(fault("{{pid}}") == "a '{' without its '}'");
    CHECK(fault("{pid}}") == "a '}' without its '{'");
    CHECK(fault("{PID}") == "there is no placeholder {PID}");
    CHECK(fault("{pid}{}") == "there is no placeholder {}");
    CHECK(fault("{ pid }") == "there is no placeholder { pid }");
    CHECK(fault("{" + std::string(200, 'x') + "}") == "there is no placeholder {" + std::string(32, 'x') + "}");
    CHECK(fault(std::string(65, 'x')) ==
          "numbers and fixed text take 65 characters, at most 64 of the 70 that a collector keeps");
    CHECK(fault(std::string(64, 'x')).empty());
    CHECK(fault("{uuid}{uuid}").empty());
    CHECK_FALSE(fault("{uuid}{uuid}x").empty());
    CHECK(fault(std::string(256, 'x')) == "longer than 255 bytes");
    for (const char* odd : {"a\nb", "a\x7f", "\xE8\xAE\xA2", "\xff{pid}"})
      CHECK(fault(odd) == "it has characters beside printable ASCII");
  }

  TEST_CASE("what is too long gives way where the least is lost, and the numbers stay") {
    PlaceholderValues given = values();
    given[0] = std::string(100, 's');
    CHECK(expand("{service}@{host}", given) == std::string(66, 's') + "@box");
    CHECK(expand("{service}@{host}", given, "#12") == std::string(63, 's') + "@box#12");
    CHECK(expand("{service}-{pid}", given) == std::string(65, 's') + "-4711");
    given[2] = std::string(64, 'h');
    CHECK(expand("{service}@{host}", given) == "sssss@" + std::string(64, 'h'));
    CHECK(expand("{service}@{host}{uuid}", given) == "@" + std::string(37, 'h') + std::string(32, 'a'));
    given[1] = std::string(10, 'e');
    CHECK(expand("{service}{exe}{host}", given) == std::string(6, 'e') + std::string(64, 'h'));
    // Used twice, cut twice; within a code point of the limit.
    given[0] = std::string(35, 's') + "\xF0\x9D\x84\x9E";
    CHECK(expand("{service}{service}", given) == std::string(35, 's') + std::string(35, 's'));
  }

  TEST_CASE("a name tells whether something gave way, and is never longer than a collector keeps") {
    PlaceholderValues given = values();
    given[0] = std::string(66, 's');
    const InstanceTemplate made;
    CHECK_FALSE(made.expand(given, "").cut);
    CHECK(made.expand(given, "#1").cut);
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t size = 0; size < 90; ++size) {
        PlaceholderValues odd = values();
        odd[i].clear();
        for (std::size_t n = 0; n < size; ++n) odd[i] += "\xF0\x9D\x84\x9E";
        const CutName name = InstanceTemplate::parse("{service}{ip}{exe}{host}{service}{pid}")->expand(odd, "#65535");
        CHECK(utf16_units(name.text) <= kMaxInstanceUnits);
        CHECK(name.text.ends_with("4711#65535"));
      }
  }
}
