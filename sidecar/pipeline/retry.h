#pragma once

// What becomes of a batch whose call was answered: the rules of retrying, holding
// and bisecting, pure.
//
// A collector that refuses a batch (it answers UNKNOWN to one broken segment among
// hundreds) may mean the batch or may be ill itself. Cutting loses nothing: a batch
// that was refused kTries times is cut in two, and its halves again at their first
// refusal, until the segments that are refused stand alone. Dropping does lose, so one
// that was refused alone kTries times goes only if other segments were delivered
// meanwhile. Heartbeats are no evidence: a collector whose storage is ill answers them.
// From its first refusal it lets what else its lane has go first: that shall not wait
// for it, and the witness that it needs may be among it.
//
// Cutting and stepping back are no reason to wait, and a server that blames the content is
// not ill: such calls are made at once, kMostAtOnce of them until one with segments succeeds,
// so that a server that refuses everything is not stormed.

#include <cstddef>
#include <cstdint>

#include "uplink/outcome.h"

namespace sidecar {

inline constexpr unsigned kTries = 3;
inline constexpr unsigned kMostAtOnce = 20;  // enough to cut the largest batch, 2,000, down to one segment

// The history of one batch.
struct Tries {
  unsigned failures = 0;        // of any kind, in a row: paces the back-off
  unsigned refusals = 0;        // verdict suspect
  bool suspected = false;       // it is part of a batch that was refused kTries times
  std::uint64_t ok_before = 0;  // calls with segments that had succeeded when it was first refused
  bool unknown = false;         // the last call may have arrived: sending it again may make duplicates
};

enum class Next {
  settle,     // delivered
  again,      // the same batch, after back-off
  hold,       // the same batch, when the collector is ready again
  bisect,     // two halves, at once
  step_back,  // the same segment, after what else the lane has; after back-off if that is nothing
  drop,       // rejected
};

// Counts the verdict in `tries` and decides. `size`: segments in the batch, >= 1;
// `ok_calls`: calls with segments that have succeeded so far, of all lanes.
Next decide(Tries& tries, Verdict verdict, std::size_t size, std::uint64_t ok_calls);

// The history that each half of a bisected batch begins with.
Tries half();

// Whether it is one segment that was refused, and waits for evidence for or against it.
bool waits_for_witness(const Tries& tries, std::size_t size);

}  // namespace sidecar
