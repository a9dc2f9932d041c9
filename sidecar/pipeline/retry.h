#pragma once

// What becomes of a batch whose call was answered: the rules of retrying, holding
// and bisecting, pure.
//
// A collector that refuses a batch (it answers UNKNOWN to one broken segment among
// hundreds) may mean the batch or may be ill itself. Only if the same batch failed
// kTries times while other calls succeeded is it the batch's fault: then it is cut
// in two, and its halves again at their first failure, until the segments that
// are refused stand alone. One that fails alone kTries times is dropped.

#include <cstddef>
#include <cstdint>

#include "uplink/outcome.h"

namespace sidecar {

inline constexpr unsigned kTries = 3;

// The history of one batch.
struct Tries {
  unsigned failures = 0;       // of any kind, in a row: paces the back-off
  unsigned refusals = 0;       // verdict suspect
  bool suspected = false;      // it is part of a batch that was refused kTries times
  std::uint64_t ok_before = 0;  // calls that had succeeded when it, or what it was part of, was first refused
  bool unknown = false;        // the last call may have arrived: sending it again may make duplicates
};

enum class Next {
  settle,   // delivered
  again,    // the same batch, after back-off
  hold,     // the same batch, when the collector is ready again
  bisect,   // two halves, at once
  drop,     // rejected
};

// Counts the verdict in `tries` and decides. `size`: segments in the batch, >= 1;
// `ok_calls`: calls to this collector that have succeeded so far, of anybody.
Next decide(Tries& tries, Verdict verdict, std::size_t size, std::uint64_t ok_calls);

// The history that a half of size `size` begins with.
Tries half_of(const Tries& whole, std::size_t size);

}  // namespace sidecar
