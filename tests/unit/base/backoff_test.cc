#include "base/backoff.h"

#include <doctest/doctest.h>

#include <set>

using namespace sidecar;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct FixedRandom final : Random {
  explicit FixedRandom(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t next() override { return bits_; }
  std::uint64_t bits_;
};

}  // namespace

TEST_SUITE("base/backoff") {
  TEST_CASE("it doubles from first to max, in the upper half of each step") {
    const Backoff backoff{seconds(1), seconds(30)};
    FixedRandom lowest(0);
    FixedRandom highest(~std::uint64_t{0});
    const milliseconds expected[] = {seconds(1),  seconds(2),  seconds(4), seconds(8),
                                     seconds(16), seconds(30), seconds(30)};
    for (unsigned i = 0; i < std::size(expected); ++i) {
      CHECK(backoff.delay(i + 1, lowest) == expected[i] / 2);
      CHECK(backoff.delay(i + 1, highest) < expected[i]);
      CHECK(backoff.delay(i + 1, highest) > expected[i] * 99 / 100);
    }
  }

  TEST_CASE("it neither overflows nor passes max, however long it goes on") {
    FixedRandom highest(~std::uint64_t{0});
    const Backoff long_one{std::chrono::hours(1), std::chrono::hours(24 * 365 * 200)};
    CHECK(long_one.delay(~0u, highest) <= long_one.max);
    CHECK(long_one.delay(~0u, highest) > long_one.max / 2);
    const Backoff inverted{seconds(10), seconds(5)};
    CHECK(inverted.delay(1, highest) <= seconds(5));
  }

  TEST_CASE("attempt 0 is as good as the first") {
    FixedRandom lowest(0);
    CHECK(Backoff{}.delay(0, lowest) == Backoff{}.delay(1, lowest));
  }

  TEST_CASE("a fraction is at least 0 and below 1") {
    FixedRandom lowest(0);
    FixedRandom highest(~std::uint64_t{0});
    CHECK(lowest.fraction() == 0.0);
    CHECK(highest.fraction() < 1.0);
    CHECK(highest.fraction() > 0.999);
  }

  TEST_CASE("the system's randomness does not repeat itself") {
    SystemRandom random;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.next());
    CHECK(seen.size() == 1000);
  }
}
