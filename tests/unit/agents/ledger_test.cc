#include "agents/ledger.h"

#include <doctest/doctest.h>

#include <set>

using namespace sidecar;
using Receipt = Ledger::Receipt;

TEST_SUITE("agents/ledger") {
  TEST_CASE("received = delivered + owed + dropped, at every step") {
    Ledger ledger;
    for (std::uint64_t seq = 1; seq <= 4; ++seq) CHECK(ledger.receive(seq) == Receipt::fresh);
    CHECK(ledger.counts().owed() == 4);
    ledger.deliver(1);
    ledger.drop(2, DropReason::channel_full);
    ledger.drop(4, DropReason::rejected);
    const LedgerCounts& counts = ledger.counts();
    CHECK(counts.received == 4);
    CHECK(counts.delivered == 1);
    CHECK(counts.dropped[static_cast<std::size_t>(DropReason::channel_full)] == 1);
    CHECK(counts.dropped_total() == 2);
    CHECK(counts.owed() == 1);
  }

  TEST_CASE("a drop advances settled as a delivery does, and neither passes a gap") {
    Ledger ledger;
    for (std::uint64_t seq = 1; seq <= 3; ++seq) ledger.receive(seq);
    ledger.drop(3, DropReason::malformed);
    CHECK(ledger.settled() == 0);
    ledger.deliver(1);
    CHECK(ledger.settled() == 1);
    ledger.drop(2, DropReason::overridden);
    CHECK(ledger.settled() == 3);
    CHECK(ledger.accepted() == 3);
  }

  TEST_CASE("duplicates are counted apart") {
    Ledger ledger(5);
    CHECK(ledger.receive(5) == Receipt::duplicate);
    CHECK(ledger.receive(6) == Receipt::fresh);
    CHECK(ledger.receive(6) == Receipt::duplicate);
    CHECK(ledger.counts().received == 1);
    CHECK(ledger.counts().duplicate == 2);
    CHECK(ledger.accepted() == 6);
    CHECK(ledger.settled() == 5);
  }

  TEST_CASE("what is too scattered is not received and can come again") {
    Ledger ledger;
    for (std::uint64_t i = 1; i <= Ledger::kMaxIntervals; ++i) CHECK(ledger.receive(2 * i) == Receipt::fresh);
    const std::uint64_t one_more = 2 * (Ledger::kMaxIntervals + 1);
    CHECK(ledger.receive(one_more) == Receipt::scattered);
    CHECK(ledger.counts().received == Ledger::kMaxIntervals);
    CHECK(ledger.counts().duplicate == 0);
    CHECK(ledger.receive(1) == Receipt::fresh);  // closes the first gap
    CHECK(ledger.accepted() == 2);
    CHECK(ledger.receive(one_more) == Receipt::fresh);
  }

  TEST_CASE("what is settled out of order is bounded by what is held alone") {
    Ledger ledger;
    for (std::uint64_t seq = 1; seq <= 1000; ++seq) ledger.receive(seq);
    for (std::uint64_t seq = 2; seq <= 1000; seq += 2) ledger.deliver(seq);
    CHECK(ledger.settled() == 0);
    for (std::uint64_t seq = 1; seq <= 1000; seq += 2) ledger.deliver(seq);
    CHECK(ledger.settled() == 1000);
    CHECK(ledger.counts().owed() == 0);
  }

  TEST_CASE("counts add up, resent ones too") {
    Ledger ledger;
    ledger.receive(1);
    ledger.receive(1);
    ledger.count_resent();
    ledger.drop(1, DropReason::encode);
    LedgerCounts sum = ledger.counts();
    sum += ledger.counts();
    CHECK(sum.received == 2);
    CHECK(sum.duplicate == 2);
    CHECK(sum.resent == 2);
    CHECK(sum.dropped[static_cast<std::size_t>(DropReason::encode)] == 2);
  }

  TEST_CASE("every reason has a name of its own") {
    const std::set<std::string_view> names(kDropReasonNames.begin(), kDropReasonNames.end());
    CHECK(names.size() == kDropReasons);
    CHECK(to_text(DropReason::malformed) == "malformed");
    CHECK(to_text(DropReason::reset) == "reset");
  }

  TEST_CASE("numbers that will never come are passed by both marks and by no count, those that are held stay owed") {
    Ledger ledger(30);
    REQUIRE(ledger.receive(31) == Ledger::Receipt::fresh);
    REQUIRE(ledger.receive(41) == Ledger::Receipt::fresh);
    ledger.pass(38);
    CHECK(ledger.accepted() == 38);
    CHECK(ledger.settled() == 30);  // 31 is still held
    ledger.deliver(31);
    CHECK(ledger.settled() == 38);
    ledger.pass(60);  // not beyond what was seen
    CHECK(ledger.accepted() == 41);
    CHECK(ledger.settled() == 40);
    ledger.drop(41, DropReason::malformed);
    CHECK(ledger.settled() == 41);
    CHECK(ledger.counts().received == 2);
    CHECK(ledger.counts().owed() == 0);
    ledger.pass(7);
    CHECK(ledger.accepted() == 41);
  }
}
