#include "ctl/answer_text.h"

#include <doctest/doctest.h>

using namespace sidecar;
using nlohmann::json;

TEST_SUITE("ctl/answer_text") {
  TEST_CASE("a reload says what is in force and what is not") {
    CHECK(reload_text({{"changes", json::array()}}) == "reloaded; nothing has changed\n");
    const json a = {{"fate", "applied"}, {"text", "a: 1 -> 2 (f:1:1)"}};
    const json b = {{"fate", "needs_restart"}, {"text", "b: 1 -> 2 (f:2:1) needs a restart: c"}};
    const json d = {{"fate", "a later kind"}, {"text", "d"}};
    CHECK(reload_text({{"changes", {b, a, d}}}) ==
          "reloaded; now in force:\n  a: 1 -> 2 (f:1:1)\nnot in force:\n  b: 1 -> 2 (f:2:1) needs a restart: c\n  d\n");
    CHECK(reload_text({{"changes", json::array({b})}}) ==
          "reloaded; nothing of it is in force\nnot in force:\n  b: 1 -> 2 (f:2:1) needs a restart: c\n");
  }

  TEST_CASE("what is probably not meant stands at the end") {
    CHECK(reload_text({{"changes", json::array()}, {"cautions", {"f:1:1: warning: a: b"}}}) ==
          "reloaded; nothing has changed\nf:1:1: warning: a: b\n");
  }

  TEST_CASE("answers of another kind, and hostile ones, are shown harmlessly") {
    for (const json& odd : {json(), json(7), json::array(), json{{"changes", 7}}}) {
      CHECK(reload_text(odd) == "reloaded; nothing has changed\n");
      CHECK(log_level_text(odd) == "the log's level was  and is  until the next reload or restart\n");
    }
    const json hostile = {{"changes", {{{"fate", "applied"}, {"text", "a\n\x1b[31m"}}, 7}}};
    CHECK(reload_text(hostile) == "reloaded; now in force:\n  a\\x0a\\x1b[31m\nnot in force:\n  \n");
  }
}
