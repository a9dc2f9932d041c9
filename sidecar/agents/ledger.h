#pragma once

// Ledger is the account of one session's segments in this daemon process:
//
//     received = delivered + held + dropped{reason}
//
// `held` is not here: it is counted by walking the places that hold (carrier,
// batches, calls), so that a leak shows as a difference. Duplicates (a number
// seen before) are counted apart and are not in `received`.
//
// Two cumulative marks follow from it and go down to the shim through the page:
// accepted (everything up to it was taken over) and settled (everything up to it
// was delivered or dropped with a reason). No mark passes a gap.
//
// Owner: Agent. Thread: loop.

#include <array>
#include <cstdint>

#include "agents/drop_reason.h"
#include "agents/seq_set.h"

namespace sidecar {

struct LedgerCounts {
  std::uint64_t received = 0;
  std::uint64_t delivered = 0;
  std::array<std::uint64_t, kDropReasons> dropped = {};
  std::uint64_t duplicate = 0;  // not in received
  std::uint64_t resent = 0;     // segments sent again after a call of unknown outcome

  std::uint64_t dropped_total() const;
  // What must be held for the account to balance.
  std::uint64_t owed() const { return received - delivered - dropped_total(); }
  LedgerCounts& operator+=(const LedgerCounts& other);
};

class Ledger {
 public:
  // Everything up to `base` was settled before this daemon knew the session.
  // What was settled out of order is bounded by what is held, so it needs no bound of its own.
  explicit Ledger(std::uint64_t base = 0) : accepted_(base, kMaxIntervals), settled_(base, SeqSet::kUnbounded) {}

  // How scattered the numbers of a session may arrive.
  static constexpr std::size_t kMaxIntervals = 64;

  enum class Receipt {
    fresh,      // now received: whoever asked must hold or drop it
    duplicate,  // seen before
    scattered,  // would need too many intervals: not taken, the client must send it again
  };
  // Takes number `seq` (>= 1) over.
  Receipt receive(std::uint64_t seq);

  // The segment `seq`, received before, has left: exactly one of the two, once.
  void deliver(std::uint64_t seq);
  void drop(std::uint64_t seq, DropReason reason);

  // The client says that it will never send a number up to `seq` (again): those that were not received, up to the
  // first that was, are passed by both marks. So it is after a predecessor's death, whose marks we know only as
  // they were a while before.
  void pass(std::uint64_t seq);

  void count_resent() { ++counts_.resent; }

  std::uint64_t accepted() const { return accepted_.mark(); }
  std::uint64_t settled() const { return settled_.mark(); }
  const LedgerCounts& counts() const { return counts_; }

 private:
  void settle(std::uint64_t seq);

  SeqSet accepted_;
  SeqSet settled_;
  LedgerCounts counts_;
};

}  // namespace sidecar
