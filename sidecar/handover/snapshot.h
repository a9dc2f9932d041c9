#pragma once

// The identity table as a file of the state directory, for a successor that gets nothing from the service manager:
// after `systemctl stop`, whose descriptor store is emptied, or where there is no manager. Only whole tables are
// ever seen: it is written beside and renamed. It is not synced to the disk, since after a crash of
// the host no process is left that it speaks of. Written at the end of a daemon's life only: a crash leaves its table
// with the manager, and a disk that hangs must not stop the loop.
//
// Blocking, though short: for the beginning and the end of a daemon's life, or a thread that may wait.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace sidecar {

inline constexpr const char* kSnapshotName = "sessions";

// `directory`: the state directory, opened (O_DIRECTORY); borrowed. Errors name the file and what failed; then what was
// there is unchanged. limit_exceeded: the disk is full; not_allowed: read-only or not ours; unavailable: the rest.
Result<void> write_snapshot(int directory, std::span<const std::uint8_t> bytes);

// Its bytes, at most kMaxTableBytes. not_found: there is none; invalid_argument: something that is not a regular file
// of ours, which nobody else may write, is in its place; limit_exceeded: longer than a table may be; unavailable: the
// rest.
Result<std::vector<std::uint8_t>> read_snapshot(int directory);

// So that no later daemon believes it. None there is fine. Errors as above.
Result<void> remove_snapshot(int directory);

}  // namespace sidecar
