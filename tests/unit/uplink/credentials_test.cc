#include "uplink/credentials.h"

#include <doctest/doctest.h>

#include <fstream>

#include "fake_loop.h"
#include "scratch_directory.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Fixture() {
    options.token_file = directory.at("token");
    options.deadline = 30s;
  }
  void write(const std::string& token) { std::ofstream(options.token_file) << token; }
  // Writes it, and lets it be read.
  void replace(Credentials& credentials, const std::string& token) {
    write(token);
    loop.advance(options.reread);
    REQUIRE(credentials.token() == token);
  }
  const ScratchDirectory directory;
  FakeLoop loop;
  UplinkOptions options;
};

}  // namespace

TEST_SUITE("uplink/credentials") {
  TEST_CASE("no token is shown that a call may still carry, however often it changes within a deadline") {
    Fixture f;
    f.options.reread = 1s;
    f.write("secret");
    Credentials credentials(f.options, f.loop, [](Credentials::Changed) {});
    std::string all = "<secret>";
    std::string hidden = "<***>";
    for (std::size_t i = 1; i <= Credentials::kMaxFormer; ++i) {
      const std::string token = "secret" + std::string(i, 'x');  // each begins like those before it
      f.replace(credentials, token);
      all += "<" + token + ">";
      hidden += "<***>";
    }
    CHECK(credentials.scrub(all) == hidden);
    // Beyond their time, and beyond their number, they are forgotten.
    f.replace(credentials, "other");
    CHECK(credentials.scrub("<secret>") == "<secret>");
    CHECK(credentials.scrub("<secretx>") == "<***>");
    f.loop.advance(1min);
    CHECK(credentials.scrub("<secretx><other>") == "<secretx><***>");
  }

  TEST_CASE("without a token nothing is hidden") {
    Fixture f;
    const Credentials credentials(f.options, f.loop, [](Credentials::Changed) {});
    CHECK(credentials.problems().size() == 1);
    CHECK(credentials.scrub("all of it") == "all of it");
  }
}
