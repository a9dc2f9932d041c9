#pragma once

// StateDirectory is the daemon's directory on disk. It is opened once and everything is found from there: under
// systemd's DynamicUser= its path leads over a link. A daemon without one serves all the same.
//
// Owner: Daemon. Blocking, though short: for the beginning and the end of the daemon's life.

#include <optional>
#include <string>

#include "base/scoped_fd.h"
#include "handover/identity_table.h"

namespace sidecar {

inline constexpr const char* kDefaultStateDirectory = "/var/lib/sw-sidecar";

class StateDirectory {
 public:
  // `configured`: the setting, empty if it is not set; `given`: by the service manager, or empty. The first of
  // them and the default that is not empty counts. One that cannot be opened is named in the log, unless it is the
  // default: that need not be there.
  // `boot`: this one's; zero, where it is not known: nothing that was left is believed.
  StateDirectory(const std::string& configured, const std::string& given, BootId boot);

  // The sessions that the last daemon left when it ended in this boot, if it did; at most once, as the file is gone
  // then. Anything else is named in the log and not believed.
  std::optional<IdentityTable> take_sessions() const;
  // Leaves them to the next; nothing if there are none. A failure is named in the log.
  void leave_sessions(IdentityTable table) const;

 private:
  const BootId boot_;
  ScopedFd directory_;
};

}  // namespace sidecar
