#include <doctest/doctest.h>

#include "pipeline/batcher.h"
#include "pipeline/retry.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

TEST_SUITE("pipeline/batcher") {
  const PipelineOptions kOptions{.batch_segments = 10, .batch_bytes = 1000, .batch_age = 250ms, .backoff = {}};
  constexpr Tick kNow{1h};

  TEST_CASE("nothing that waits is no batch, not even in a drain") {
    CHECK_FALSE(time_to_close({}, kOptions, kNow, false));
    CHECK_FALSE(time_to_close({}, kOptions, kNow, true));
  }

  TEST_CASE("a batch closes by count, by bytes, by age, or at once in a drain") {
    CHECK(time_to_close({10, 1, kNow}, kOptions, kNow, false) == Duration::zero());
    CHECK(time_to_close({1, 1000, kNow}, kOptions, kNow, false) == Duration::zero());
    CHECK(time_to_close({1, 1, kNow - 250ms}, kOptions, kNow, false) == Duration::zero());
    CHECK(time_to_close({1, 1, kNow - 9h}, kOptions, kNow, false) == Duration::zero());
    CHECK(time_to_close({1, 1, kNow}, kOptions, kNow, true) == Duration::zero());
  }

  TEST_CASE("below all three it waits for the age of the oldest") {
    CHECK(time_to_close({9, 999, kNow - 100ms}, kOptions, kNow, false) == Duration(150ms));
  }
}

TEST_SUITE("pipeline/retry") {
  TEST_CASE("every verdict has its consequence at the first failure") {
    struct Row {
      V verdict;
      Next next;
      bool unknown;
      Next of_one;
    };
    const Row table[] = {
        {V::delivered, Next::settle, false, Next::settle}, {V::retry, Next::again, true, Next::again},
        {V::back_off, Next::again, false, Next::again},    {V::hold_auth, Next::hold, false, Next::hold},
        {V::wrong_server, Next::hold, false, Next::hold},  {V::next_spelling, Next::hold, false, Next::hold},
        {V::suspect, Next::again, false, Next::step_back}, {V::cancelled, Next::again, true, Next::again},
    };
    for (const Row& row : table) {
      for (const std::size_t size : {1u, 2u, 200u}) {
        CAPTURE(to_text(row.verdict));
        Tries tries;
        CHECK(decide(tries, row.verdict, size, 5) == (size == 1 ? row.of_one : row.next));
        CHECK(tries.unknown == row.unknown);
      }
    }
  }

  TEST_CASE("a batch is bisected when it was refused three times: cutting needs no evidence") {
    Tries tries;
    CHECK(decide(tries, V::suspect, 8, 100) == Next::again);
    CHECK(decide(tries, V::suspect, 8, 100) == Next::again);
    CHECK(decide(tries, V::suspect, 8, 100) == Next::bisect);
  }

  TEST_CASE("a lone segment is dropped only if others were delivered since it was first refused") {
    Tries single;
    CHECK_FALSE(waits_for_witness(single, 1));
    for (int i = 0; i < 50; ++i) CHECK(decide(single, V::suspect, 1, 100) == Next::step_back);
    CHECK(waits_for_witness(single, 1));
    CHECK(decide(single, V::suspect, 1, 101) == Next::drop);
  }

  TEST_CASE("failures of another kind are no refusals") {
    Tries tries;
    for (int i = 0; i < 20; ++i) CHECK(decide(tries, V::retry, 8, static_cast<std::uint64_t>(i)) == Next::again);
    CHECK(decide(tries, V::suspect, 8, 20) == Next::again);
    CHECK(tries.failures == 21);
    CHECK(tries.refusals == 1);
  }

  TEST_CASE("a half is bisected at its first refusal, a single segment has three tries of its own") {
    Tries pair = half();
    CHECK_FALSE(waits_for_witness(pair, 2));
    REQUIRE(decide(pair, V::suspect, 2, 12) == Next::bisect);
    Tries single = half();
    CHECK(decide(single, V::suspect, 1, 12) == Next::step_back);
    CHECK(decide(single, V::suspect, 1, 13) == Next::step_back);
    CHECK(decide(single, V::suspect, 1, 13) == Next::drop);
  }
}
