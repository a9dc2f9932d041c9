#pragma once

// TableMemory is where the table of sessions outlives a daemon with the service manager: two memfds written in turn,
// each whole with a sum, so that whenever we die one of them is good.
//
// Owner: Succession. Thread: loop.

#include <array>
#include <vector>

#include "base/scoped_fd.h"
#include "handover/identity_table.h"
#include "systemd/from_manager.h"
#include "systemd/notifier.h"

namespace sidecar {

class TableMemory {
 public:
  // Takes a predecessor's out of `stored`; the newer whole one. not_found: none was left; else as decode_table().
  Result<IdentityTable> take(std::vector<HandedOver>& stored);

  // Writes `table` (its generation is given here) over the older one and has the manager keep it. Bytes written.
  // unavailable: no memory, or the manager does not take it now; what it had before is unharmed.
  Result<std::size_t> write(IdentityTable table, Notifier& notifier);

 private:
  std::array<ScopedFd, 2> memory_;
  std::array<bool, 2> stored_ = {};
  std::uint64_t generation_ = 0;
};

}  // namespace sidecar
