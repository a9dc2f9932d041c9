#pragma once

namespace sidecar {

// Whether stderr is connected to systemd's journal, which JOURNAL_STREAM names by
// device and inode (sd-daemon's rule: the variable alone is inherited by children
// whose stderr goes elsewhere).
bool stderr_is_journal();

}  // namespace sidecar
