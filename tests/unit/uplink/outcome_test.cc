#include "uplink/outcome.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace sidecar;
using V = Verdict;

TEST_SUITE("uplink/outcome") {
  // gRPC's codes in the order of their numbers, with what an agent must make of each.
  struct Row {
    const char* name;
    V verdict;
  };
  constexpr Row kTable[] = {
      {"OK", V::delivered},
      {"CANCELLED", V::suspect},
      {"UNKNOWN", V::suspect},
      {"INVALID_ARGUMENT", V::suspect},
      {"DEADLINE_EXCEEDED", V::retry},
      {"NOT_FOUND", V::suspect},
      {"ALREADY_EXISTS", V::suspect},
      {"PERMISSION_DENIED", V::hold_auth},
      {"RESOURCE_EXHAUSTED", V::back_off},
      {"FAILED_PRECONDITION", V::suspect},
      {"ABORTED", V::suspect},
      {"OUT_OF_RANGE", V::suspect},
      {"UNIMPLEMENTED", V::next_spelling},
      {"INTERNAL", V::suspect},
      {"UNAVAILABLE", V::retry},
      {"DATA_LOSS", V::suspect},
      {"UNAUTHENTICATED", V::hold_auth},
  };

  TEST_CASE("every status code has its verdict and its name") {
    CHECK(std::size(kTable) == 17);
    for (int code = 0; code < 17; ++code) {
      CAPTURE(code);
      CHECK(verdict_of(code, false) == kTable[code].verdict);
      CHECK(status_name(code) == kTable[code].name);
    }
  }

  TEST_CASE("two codes blame the content, whatever the server's state, and these are refusals") {
    std::set<std::string_view> blaming;
    for (int code = -1; code < 20; ++code)
      if (blames_content(code)) {
        blaming.insert(status_name(code));
        CHECK(verdict_of(code, false) == V::suspect);
      }
    CHECK(blaming == std::set<std::string_view>{"INVALID_ARGUMENT", "OUT_OF_RANGE"});
  }

  TEST_CASE("a number without a name counts as UNKNOWN") {
    for (const int code : {-1, 17, 99, 1 << 30, -(1 << 30)}) {
      CAPTURE(code);
      CHECK(verdict_of(code, false) == V::suspect);
      CHECK(status_name(code) == "UNKNOWN");
    }
  }

  TEST_CASE("our own cancel says nothing, whatever the code") {
    for (int code = -1; code <= 17; ++code) CHECK(verdict_of(code, true) == V::cancelled);
  }

  TEST_CASE("every verdict has a text of its own") {
    std::set<std::string> texts;
    for (int verdict = 0; verdict <= static_cast<int>(V::cancelled); ++verdict)
      texts.insert(std::string(to_text(static_cast<V>(verdict))));
    CHECK(texts.size() == 8);
    CHECK(texts.count("?") == 0);
  }
}
