#pragma once

// What the socket has seen since the daemon began; for status and tests. The
// segments themselves are in the ledgers. Value type.

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "ipc/refusal.h"

namespace sidecar {

struct IpcCounters {
  std::uint64_t accepted = 0;        // connections
  std::uint64_t welcomed = 0;        // HELLOs answered with WELCOME
  std::uint64_t frames = 0;          // datagrams read
  std::uint64_t bytes = 0;           // in them
  std::uint64_t skipped_frames = 0;  // of a kind we do not know and need not
  std::uint64_t bad_records = 0;     // also dropped{malformed} in their ledger
  std::uint64_t probe_replies = 0;
  std::uint64_t closed_descriptors = 0;  // sent to us uninvited
  std::uint64_t unsent = 0;              // frames that a client that does not read, or has gone, did not get
  std::uint64_t no_page = 0;             // WELCOMEs without a page for want of a descriptor or memory
  std::uint64_t paused_accepts = 0;      // times accepting stopped for want of descriptors or memory
  std::uint64_t evicted = 0;             // clients that had not said HELLO when newer ones needed their place
  std::array<std::uint64_t, kRejectCodes> refused = {};  // clients, by RejectCode
};

struct IpcStatus {
  IpcCounters counters;
  unsigned connections = 0;      // open now
  unsigned unhelloed = 0;        // of them, those that have not said HELLO
  unsigned blocked = 0;          // of them, those not read because the carrier has no room
  unsigned max_connections = 0;  // the caps in force
  unsigned max_per_user = 0;
  Duration interval{0};  // between looks at the sockets while segments flow; zero: at once
  bool idle = false;     // nothing came for a while: the loop waits instead of asking
  bool draining = false;
};

}  // namespace sidecar
