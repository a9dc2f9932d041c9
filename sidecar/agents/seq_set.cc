#include "agents/seq_set.h"

#include <algorithm>

namespace sidecar {

SeqSet::Insert SeqSet::insert(std::uint64_t seq) {
  const Insert answer = probe(seq);
  if (answer != Insert::added) return answer;
  add({seq, seq});
  return Insert::added;
}

std::optional<SeqSet::Range> SeqSet::pass(std::uint64_t seq) {
  if (seq <= mark_) return std::nullopt;
  const Range unseen = {mark_ + 1, beyond_.empty() ? seq : std::min(seq, beyond_.front().first - 1)};
  add(unseen);
  return unseen;
}

void SeqSet::add(Range range) {
  if (range.first == mark_ + 1) {
    mark_ = range.last;
  } else {
    const std::size_t i = near(range.first);
    if (i < beyond_.size() && beyond_[i].last + 1 == range.first) {
      beyond_[i].last = range.last;
      if (i + 1 < beyond_.size() && beyond_[i + 1].first == range.last + 1) {
        beyond_[i].last = beyond_[i + 1].last;
        beyond_.erase(beyond_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    } else if (i < beyond_.size() && beyond_[i].first == range.last + 1) {
      beyond_[i].first = range.first;
    } else {
      beyond_.insert(beyond_.begin() + static_cast<std::ptrdiff_t>(i), range);
    }
  }
  if (!beyond_.empty() && beyond_.front().first == mark_ + 1) {
    mark_ = beyond_.front().last;
    beyond_.erase(beyond_.begin());
  }
}

SeqSet::Insert SeqSet::probe(std::uint64_t seq) const {
  if (seq <= mark_) return Insert::present;
  if (seq == mark_ + 1) return Insert::added;
  const std::size_t i = near(seq);
  if (i < beyond_.size()) {
    const Range& at = beyond_[i];
    if (at.first <= seq && seq <= at.last) return Insert::present;
    if (at.last + 1 == seq || at.first == seq + 1) return Insert::added;
  }
  return beyond_.size() < max_intervals_ ? Insert::added : Insert::full;
}

std::size_t SeqSet::near(std::uint64_t seq) const {
  const auto found = std::lower_bound(beyond_.begin(), beyond_.end(), seq,
                                      [](const Range& interval, std::uint64_t n) { return interval.last + 1 < n; });
  return static_cast<std::size_t>(found - beyond_.begin());
}

}  // namespace sidecar
