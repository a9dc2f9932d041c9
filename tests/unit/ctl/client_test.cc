#include "ctl/client.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/socket_file.h"
#include "scratch_directory.h"

using namespace sidecar;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("ctl/client") {
  TEST_CASE("an answer in our schema is passed on") {
    const auto answer = understand(200, R"({"schema":1,"x":2})");
    REQUIRE(answer);
    CHECK((*answer)["x"] == 2);
  }

  TEST_CASE("another schema is named, whatever it is") {
    const auto newer = understand(200, R"({"schema":2})");
    REQUIRE_FALSE(newer);
    CHECK(newer.error().code == Errc::corrupt);
    CHECK(newer.error().message ==
          "the daemon answers in schema 2, this sidecarctl knows 1; use the sidecarctl of the daemon's version");
    CHECK(contains(understand(200, "{}").error().message, "schema unknown"));
    CHECK_FALSE(contains(understand(200, "{\"schema\":\"\\u001b[31m\"}").error().message, "\x1b"));
  }

  TEST_CASE("what is not JSON is no daemon of ours") {
    for (const char* body : {"", "<html>", "[]", "1", "{\"schema\":1", "\xff"}) {
      const auto answer = understand(500, body);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().message == "the answer (HTTP 500) is not JSON; does another program serve this socket?");
    }
  }

  TEST_CASE("a refusal is passed on with its sentence") {
    const auto refused = understand(403, R"({"schema":1,"error":"use sudo"})");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().message == "the daemon refuses (HTTP 403): use sudo");
    CHECK(contains(understand(404, R"({"schema":1,"error":7})").error().message, "no reason given"));
  }

  TEST_CASE("a refusal of several reasons has a line for each") {
    const auto refused = understand(422, R"({"schema":1,"error":"refused","errors":["f:1:1: a","f:2:1: \u001b",7]})");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(refused.error().message == "the daemon refuses (HTTP 422): refused\n  f:1:1: a\n  f:2:1: \\x1b");
  }

  TEST_CASE("without a daemon the message names the socket and the remedy") {
    const ScratchDirectory directory;
    const auto missing = ask(directory.at("s"), "/status");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Errc::unavailable);
    CHECK(contains(missing.error().message,
                   "cannot connect to " + directory.at("s") + ": No such file or directory; is sw-sidecar running?"));
    CHECK(ask(std::string(300, 'x'), "/status").error().code == Errc::unavailable);
    CHECK(ask(directory.path(), "/status").error().code == Errc::unavailable);
  }
}
