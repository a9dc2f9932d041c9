#include "agents/seq_set.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace sidecar;
using Insert = SeqSet::Insert;

namespace {

// The same set without a bound and without cleverness.
class Model {
 public:
  explicit Model(std::uint64_t base) : mark_(base) {}
  bool insert(std::uint64_t seq) {
    if (seq <= mark_ || !beyond_.insert(seq).second) return false;
    while (beyond_.erase(mark_ + 1) != 0) ++mark_;
    return true;
  }
  std::uint64_t mark() const { return mark_; }
  std::size_t gaps() const {
    std::size_t intervals = 0;
    std::uint64_t last = mark_;
    for (const std::uint64_t seq : beyond_) {
      if (seq != last + 1) ++intervals;
      last = seq;
    }
    return intervals;
  }

 private:
  std::uint64_t mark_;
  std::set<std::uint64_t> beyond_;
};

}  // namespace

TEST_SUITE("agents/seq_set") {
  TEST_CASE("numbers in order keep one mark and nothing else") {
    SeqSet set(0, 4);
    for (std::uint64_t seq = 1; seq <= 1000; ++seq) {
      CHECK(set.probe(seq) == Insert::added);
      CHECK(set.insert(seq) == Insert::added);
    }
    CHECK(set.mark() == 1000);
    CHECK(set.gaps() == 0);
    CHECK(set.insert(1000) == Insert::present);
    CHECK(set.insert(1) == Insert::present);
  }

  TEST_CASE("it begins at its base") {
    SeqSet set(10, 4);
    CHECK(set.mark() == 10);
    CHECK(set.insert(10) == Insert::present);
    CHECK(set.insert(11) == Insert::added);
    CHECK(set.mark() == 11);
  }

  TEST_CASE("no mark passes a gap, and filling it joins what is on both sides") {
    SeqSet set(0, 4);
    for (const std::uint64_t seq : {3, 5, 2}) CHECK(set.insert(seq) == Insert::added);
    CHECK(set.mark() == 0);
    CHECK(set.gaps() == 2);
    CHECK(set.insert(4) == Insert::added);
    CHECK(set.gaps() == 1);
    CHECK(set.insert(1) == Insert::added);
    CHECK(set.mark() == 5);
    CHECK(set.gaps() == 0);
  }

  TEST_CASE("one interval too many is not added, but what joins an interval is") {
    SeqSet set(0, 2);
    CHECK(set.insert(10) == Insert::added);
    CHECK(set.insert(20) == Insert::added);
    CHECK(set.insert(30) == Insert::full);
    CHECK(set.probe(30) == Insert::full);
    CHECK(set.insert(11) == Insert::added);
    CHECK(set.insert(19) == Insert::added);
    CHECK(set.insert(9) == Insert::added);
    CHECK(set.insert(1) == Insert::added);  // at the mark: no interval
    CHECK(set.gaps() == 2);
    CHECK(set.insert(30) == Insert::full);
  }

  TEST_CASE("probe foretells insert, and both agree with a plain set") {
    std::mt19937_64 random(20240229);
    for (int round = 0; round < 200; ++round) {
      const std::uint64_t base = random() % 3 * 100;
      SeqSet set(base, SeqSet::kUnbounded);
      Model model(base);
      const std::uint64_t spread = 1 + random() % 60;
      for (int i = 0; i < 200; ++i) {
        // around what is there, at times far away
        const std::uint64_t seq =
            1 +
            (random() % 20 == 0 ? random() % 1000 : set.mark() - std::min(set.mark(), spread / 2) + random() % spread);
        const Insert foretold = set.probe(seq);
        const Insert inserted = set.insert(seq);
        CHECK(foretold == inserted);
        CHECK((inserted == Insert::added) == model.insert(seq));
        CHECK(inserted != Insert::full);
        REQUIRE(set.mark() == model.mark());
        REQUIRE(set.gaps() == model.gaps());
      }
    }
  }

  TEST_CASE("with a bound it never holds more intervals, and what it refused can come later") {
    std::mt19937_64 random(7);
    SeqSet set(0, 8);
    std::set<std::uint64_t> missing;
    for (std::uint64_t seq = 1; seq <= 400; ++seq) missing.insert(seq);
    while (!missing.empty()) {
      auto at = missing.begin();
      std::advance(at, static_cast<long>(random() % std::min<std::size_t>(missing.size(), 40)));
      const Insert inserted = set.insert(*at);
      CHECK(set.gaps() <= 8);
      if (inserted == Insert::full) {
        CHECK(set.insert(*missing.begin()) == Insert::added);  // the first one missing always fits
        missing.erase(missing.begin());
      } else {
        CHECK(inserted == Insert::added);
        missing.erase(at);
      }
    }
    CHECK(set.mark() == 400);
  }

  TEST_CASE("what will never come is passed, up to the first number that was seen") {
    SeqSet set(10, 4);
    CHECK_FALSE(set.pass(0));
    CHECK_FALSE(set.pass(10));
    auto passed = set.pass(15);
    REQUIRE(passed);
    CHECK(passed->first == 11);
    CHECK(passed->last == 15);
    CHECK(set.mark() == 15);
    set.insert(20);
    set.insert(21);
    passed = set.pass(30);
    REQUIRE(passed);
    CHECK(passed->first == 16);
    CHECK(passed->last == 19);
    CHECK(set.mark() == 21);
    CHECK(set.gaps() == 0);
    passed = set.pass(~std::uint64_t{0} >> 1);
    REQUIRE(passed);
    CHECK(set.mark() == ~std::uint64_t{0} >> 1);
  }

  TEST_CASE("a run is added wherever there is room for it") {
    for (const auto& [first, last] : {std::pair(11, 14), std::pair(12, 14), std::pair(11, 13), std::pair(12, 13)}) {
      SeqSet set(5, SeqSet::kUnbounded);
      set.insert(10);
      set.insert(15);
      set.add({static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last)});
      for (std::uint64_t seq = 6; seq <= 20; ++seq)
        CHECK((set.probe(seq) == SeqSet::Insert::present) ==
              (seq == 10 || seq == 15 ||
               (seq >= static_cast<std::uint64_t>(first) && seq <= static_cast<std::uint64_t>(last))));
      CHECK(set.gaps() == 3u - (first == 11) - (last == 14));
      set.add({6, 9});
      CHECK(set.mark() == (first > 11 ? 10 : last == 14 ? 15 : 13));
    }
  }
}
