#pragma once

// systemd's journal by its native protocol: datagrams of FIELD=value lines, so that a line carries what it is about.
// Sent without waiting, unlike libsystemd's sd_journal_sendv.
//
// Owner: the log. One thread at a time.

#include <sys/un.h>

#include <source_location>
#include <string>
#include <string_view>

#include "base/scoped_fd.h"
#include "log/log.h"

namespace sidecar {

// Whether stderr is connected to systemd's journal, which JOURNAL_STREAM names by
// device and inode (sd-daemon's rule: the variable alone is inherited by children
// whose stderr goes elsewhere).
bool stderr_is_journal();

// One entry as a datagram. `priority` is syslog's, `message` has been through printable(); fields are made so here, and
// cut. Pure.
std::string journal_entry(int priority, std::string_view message, const LogFields& fields,
                          const std::source_location& where);

class JournalSocket {
 public:
  enum class Sent {
    yes,
    full,         // it does not read fast enough
    unreachable,  // there is none, or it does not take this
  };

  explicit JournalSocket(std::string_view path = "/run/systemd/journal/socket");

  Sent send(const std::string& entry);

 private:
  ScopedFd socket_;
  sockaddr_un address_{};
};

}  // namespace sidecar
