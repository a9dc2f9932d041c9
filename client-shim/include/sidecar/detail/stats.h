#pragma once

// The shim's side of the ledger, as Tracer::stats() shows it. At every quiet moment
//
//   created = waiting + sent + dropped.total()

#include <cstdint>

#include "sidecar/detail/local.h"

namespace sidecar {
inline namespace v1 {

struct SIDECAR_VISIBLE Stats {
  struct Dropped {
    std::uint64_t buffer_full = 0;    // the buffer held nothing that may be forgotten
    std::uint64_t too_large = 0;      // not even its first span fits a frame
    std::uint64_t fork_discard = 0;   // was being finished by a thread that a fork left behind
    std::uint64_t exit_deadline = 0;  // not sent when the process ended, or finished after that
    std::uint64_t disabled = 0;       // finished while tracing was off
    SIDECAR_LOCAL std::uint64_t total() const noexcept {
      return buffer_full + too_large + fork_discard + exit_deadline + disabled;
    }
  };
  // What was left off because of a limit; the segments themselves are not lost.
  struct Cut {
    std::uint64_t spans = 0;
    std::uint64_t tags = 0;
    std::uint64_t logs = 0;
    std::uint64_t refs = 0;
    std::uint64_t values = 0;    // texts that were shortened
    std::uint64_t segments = 0;  // encodings that were larger than a frame
  };

  std::uint64_t created = 0;   // segments finished and sampled in
  std::uint64_t waiting = 0;   // in the buffer, not yet sent, or to be sent again
  std::uint64_t sent = 0;      // handed to the kernel
  std::uint64_t accepted = 0;  // number up to which the sidecar has taken all over
  std::uint64_t settled = 0;   // number up to which all are delivered, or dropped with a reason
  Dropped dropped;
  Cut cut;
  std::uint64_t replay_evicted = 0;  // accepted, and forgotten before they were settled, to make room
  std::uint64_t send_blocked = 0;    // sends that the socket did not take
  std::uint64_t connects = 0;        // connections made, the first included
  std::uint64_t reconnects = 0;      // connections made after the first
  std::uint64_t bad_headers = 0;     // propagation headers that were ignored
  std::uint64_t bad_frames = 0;      // frames of the sidecar that were ignored
  std::uint64_t misused = 0;         // spans that another thread than their own ended
  std::uint64_t unsampled = 0;       // segments that sampling left out
  std::uint64_t ignored = 0;         // segments whose operation the sidecar's configuration leaves out
  std::uint32_t rejected = 0;        // code of the last REJECT, 0 none
};

}  // namespace v1
}  // namespace sidecar
