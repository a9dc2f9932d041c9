#include "uplink/resolver.h"

#include <doctest/doctest.h>

#include "fake_loop.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  struct Said {
    std::size_t name;
    std::string text;  // the first address, or the error
    bool in_time;
    bool operator==(const Said&) const = default;
  };
  Fixture() {
    loop.set_addresses("a", {"10.0.0.1"});
    loop.set_addresses("b", {"10.0.0.2"});
  }
  void pass(Duration time) {
    loop.advance(time);
    loop.run_until_idle();
  }
  FakeLoop loop;
  std::vector<Said> said;
  Resolver resolver{loop, 2, [this](std::size_t name, Lookup::Answer answer, bool in_time) {
                      said.push_back({name, answer ? answer->front() : answer.error().message, in_time});
                    }};
};

using Said = Fixture::Said;

}  // namespace

TEST_SUITE("uplink/resolver") {
  TEST_CASE("an answer in time is told as such, and so is that there is none") {
    Fixture f;
    f.resolver.ask(0, "a");
    CHECK(f.resolver.waiting());
    f.pass(0s);
    CHECK_FALSE(f.resolver.waiting());
    f.resolver.ask(1, "nobody");
    f.pass(0s);
    REQUIRE(f.said.size() == 2);
    CHECK(f.said[0] == Said{0, "10.0.0.1", true});
    CHECK(f.said[1].in_time);
    f.pass(1h);
    CHECK(f.said.size() == 2);
  }

  TEST_CASE("a slow resolver is heard, however late, and is not asked again meanwhile") {
    Fixture f;
    f.loop.hold_lookups(true);
    f.resolver.ask(0, "a");
    f.pass(10s);
    CHECK(f.said == std::vector<Said>{{0, "no answer within 10s", true}});
    CHECK(f.resolver.is_slow(0));
    CHECK_FALSE(f.resolver.waiting());
    f.resolver.ask(0, "a");
    CHECK_FALSE(f.resolver.is_slow(0));
    f.pass(11s);
    CHECK(f.loop.lookups() == 1);
    f.loop.hold_lookups(false);
    f.pass(0s);
    REQUIRE(f.said.size() == 3);
    CHECK(f.said[2] == Said{0, "10.0.0.1", false});
    CHECK_FALSE(f.resolver.is_slow(0));
    f.resolver.ask(0, "a");
    f.pass(0s);
    CHECK(f.loop.lookups() == 2);
  }

  TEST_CASE("a question that nobody waits for any more is answered late, beside another that is waited for") {
    Fixture f;
    f.loop.hold_lookups(true);
    f.resolver.ask(0, "a");
    f.resolver.wait_no_longer();
    f.resolver.ask(1, "b");
    f.loop.hold_lookups(false);
    f.pass(0s);
    CHECK(f.said == std::vector<Said>{{0, "10.0.0.1", false}, {1, "10.0.0.2", true}});
  }

  TEST_CASE("when time is short the patience is too") {
    Fixture f;
    f.loop.hold_lookups(true);
    f.resolver.ask(0, "a");
    f.resolver.hurry(1s);
    f.pass(1s);
    CHECK(f.said.size() == 1);
    f.resolver.ask(0, "a");
    f.pass(1s);
    CHECK(f.said.size() == 2);
  }

  TEST_CASE("nothing is told after its end") {
    std::size_t told = 0;
    FakeLoop loop;
    loop.set_addresses("a", {"10.0.0.1"});
    {
      Resolver resolver(loop, 1, [&](std::size_t, const Lookup::Answer&, bool) { ++told; });
      resolver.ask(0, "a");
    }
    loop.advance(1h);
    loop.run_until_idle();
    CHECK(told == 0);
  }
}
