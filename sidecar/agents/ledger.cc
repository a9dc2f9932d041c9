#include "agents/ledger.h"

#include "base/check.h"

namespace sidecar {

std::uint64_t LedgerCounts::dropped_total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : dropped) sum += count;
  return sum;
}

LedgerCounts& LedgerCounts::operator+=(const LedgerCounts& other) {
  received += other.received;
  delivered += other.delivered;
  for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] += other.dropped[i];
  duplicate += other.duplicate;
  resent += other.resent;
  return *this;
}

Ledger::Receipt Ledger::receive(std::uint64_t seq) {
  switch (accepted_.insert(seq)) {
    case SeqSet::Insert::added:
      ++counts_.received;
      return Receipt::fresh;
    case SeqSet::Insert::present:
      ++counts_.duplicate;
      return Receipt::duplicate;
    case SeqSet::Insert::full:
      break;
  }
  return Receipt::scattered;
}

void Ledger::deliver(std::uint64_t seq) {
  ++counts_.delivered;
  settle(seq);
}

void Ledger::drop(std::uint64_t seq, DropReason reason) {
  ++counts_.dropped[static_cast<std::size_t>(reason)];
  settle(seq);
}

void Ledger::pass(std::uint64_t seq) {
  if (const auto unseen = accepted_.pass(seq)) settled_.add(*unseen);
}

void Ledger::settle(std::uint64_t seq) { settled_.insert(seq); }

}  // namespace sidecar
