#pragma once

// SeqSet is the set of sequence numbers of one session that have been seen, as
// disjoint intervals. Numbers arrive almost in order, so there is nearly always
// one interval; a client that scatters them is bounded by `max_intervals`.
//
// Value type. Cost: O(1) for the next number, else O(log intervals) to look up
// and O(intervals) to insert.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sidecar {

class SeqSet {
 public:
  static constexpr std::size_t kUnbounded = ~std::size_t{0};

  enum class Insert { added, present, full };

  // A set that already holds 1..`base` and keeps at most `max_intervals` beyond its mark.
  SeqSet(std::uint64_t base, std::size_t max_intervals) : max_intervals_(max_intervals), mark_(base) {}

  // Adds `seq` (>= 1). `full`: it would need one interval too many and was not added.
  Insert insert(std::uint64_t seq);

  // A run of numbers, both ends included.
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };
  // Adds those from the mark on that nobody has seen, up to `seq` or the next one that was seen. Nothing: there are
  // none.
  std::optional<Range> pass(std::uint64_t seq);
  // Adds `range`, of which nothing is in the set; also beyond the number of intervals.
  void add(Range range);

  // Whether insert(seq) would answer `added`, `present` or `full`.
  Insert probe(std::uint64_t seq) const;

  // The largest m such that all of 1..m are in the set.
  std::uint64_t mark() const { return mark_; }

  // Intervals beyond the mark.
  std::size_t gaps() const { return beyond_.size(); }

 private:
  // Index of the first interval that ends at or after `seq` - 1.
  std::size_t near(std::uint64_t seq) const;

  std::size_t max_intervals_;
  std::uint64_t mark_;
  std::vector<Range> beyond_;  // ascending, disjoint, not adjacent, all > mark_ + 1
};

}  // namespace sidecar
