#pragma once

// FromManager is what the service manager gave this process at its start: listening sockets, where
// it wants to be told how we are, and how often it must hear from us. By systemd's protocol (sd_listen_fds(3),
// sd_notify(3), sd_watchdog_enabled(3)), which others speak too. Without a manager it is empty.
//
// Owner: main(), then Daemon. Thread: any; once, before other threads are started.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/scoped_fd.h"

namespace sidecar {

// FileDescriptorName= of the socket units.
inline constexpr const char* kIngestName = "ingest";
inline constexpr const char* kControlName = "control";

// What a predecessor stored, by its names there: tables of its sessions, and a connection each with this letter first.
inline constexpr const char* kTableNames[] = {"table0", "table1"};
inline constexpr char kConnectionLetter = 'c';

struct HandedOver {
  std::string name;
  ScopedFd fd;
};

struct FromManager {
  ScopedFd ingest;                 // listens, Unix-domain, SOCK_SEQPACKET; empty: we open our own
  ScopedFd control;                // the same, SOCK_STREAM
  std::vector<HandedOver> stored;  // connections and tables, unchecked
  std::string state_directory;     // StateDirectory=, the first of them; empty: none
  std::string boot_id;             // as its unit says it, not checked; empty: it does not
  std::string notify_socket;       // empty: nobody wants to be told
  Duration watchdog{0};            // silent for so long we are killed; 0: never
};

// Finds ours among what was handed over. invalid_argument: one of our names twice, or for something that is
// not the listening socket it must be, or a listening socket of a name that is not ours; the message names the
// line of the socket unit. Anything else is not ours to judge, e.g. what another version left in the
// descriptor store: it is closed, with a warning.
Result<FromManager> sort_handed_over(std::vector<HandedOver> all);

// Takes it from the environment, whose variables are cleared, so that no child of ours believes they are meant for
// it. Errors: those above; invalid_argument: the variables themselves do not parse.
Result<FromManager> take_from_manager();

}  // namespace sidecar
